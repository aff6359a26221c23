"""The flow against an endpoint in which a fifth of the requests meets a fault: no row may be lost.

The yardstick of the walk's seconds is what its completions would take without faults and with 64 always in flight.
"""

from collections.abc import Iterator

from tests.benchmarks.workspace import open_workspace
from tests.endpoint.process import serve_offline

APIS = 50
LATENCY_S = 0.1
IN_FLIGHT = 64
FAULTS = {
    "429": 0.03,
    "429_after": 0.03,
    "429_burst": 0.001,
    "500": 0.025,
    "503": 0.02,
    "529": 0.02,
    "reset": 0.02,
    "reset_body": 0.02,
    "truncated": 0.02,
    "html": 0.01,
    "no_choices": 0.01,
    "slow": 0.004,
}
"""Shares of requests; with the ten more that a burst takes along, a fifth."""

_SLOW_S = 2


def measure_faults() -> Iterator[tuple[str, float, str, float | None]]:
    """Name, value, unit and yardstick of each figure. Raises RuntimeError if the run does not complete."""
    options = [part for name, share in FAULTS.items() for part in ("--fault", f"{name}={share}")]
    with (
        serve_offline("--latency", str(LATENCY_S), "--slow", str(_SLOW_S), *options) as server,
        open_workspace() as workspace,
    ):
        timing = workspace.build(
            "--apis", str(APIS), "--teacher.base_url", server.base_url, "--teacher.concurrency", str(IN_FLIGHT)
        )
        stats = server.stats()
        written = workspace.count_instructions()
        accepted = len(workspace.read("toolherd", "train")) + len(workspace.read("toolherd", "test"))
        rejected = len(workspace.read("toolherd", "rejected"))
        failed = sum("teacher_error" in row["reasons"] for row in workspace.read("toolherd", "rejected"))
    yield "faulty", sum(stats["faults"].values()) / stats["requests"], "share of requests", None
    yield "instructions", written, "instructions", None
    yield "accepted", accepted, "rows", None
    yield "rejected", rejected, "rows", None
    yield "lost", written - accepted - rejected, "rows", None
    yield "rejected_for_the_teacher", failed, "rows", None
    yield "paid_again", sum(stats["paid"]["repeated"].values()) - len(stats["paid"]["repeated"]), "completions", None
    paid = stats["paid"]["completions"]
    yield "completions", paid, "completions", None
    yield "walk_seconds", stats["last_at"] - stats["first_at"], "s", paid * LATENCY_S / IN_FLIGHT
    yield "command_seconds", timing.seconds, "s", None
