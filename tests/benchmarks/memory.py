"""How much more memory a run takes when it makes sixteen times as many episodes.

Peaks of resident memory are of the run's process tree without its Prefect server. Both runs have the same number of
APIs on their way at a time, so that what grows is what is kept of the episodes that are done.
"""

from collections.abc import Iterator

from tests.benchmarks.workspace import open_workspace

SMALL = ("--apis", "100", "--instructions", "10")
LARGE = ("--apis", "all", "--instructions", "31")
"""A thousand episodes; and, over a catalogue of 520 APIs, sixteen thousand."""


def measure_memory() -> Iterator[tuple[str, float, str]]:
    """Name, value and unit of each figure: the peak at both sizes, and how many times the second is the first."""
    peaks = []
    for name, options in (("memory.peak_1000", SMALL), ("memory.peak_16000", LARGE)):
        with open_workspace() as workspace:
            peaks.append(workspace.build(*options).peak_mib)
        yield name, peaks[-1], "MiB"
    yield "memory.growth", peaks[1] / peaks[0], "times"
