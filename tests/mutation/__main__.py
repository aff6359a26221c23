"""Plants mistakes in a room, one at a time, and says which of them its own tests do not notice.

    make mutate ROOM=quality SAMPLE=60 SEED=0

The mistakes are a random sample of all that the tool can make in the room's files. Known equivalent ones, listed with
their reasons in `equivalent.toml`, are put aside when they are drawn. Exit status: 0, or 2 for what cannot be done.
"""

import argparse
import hashlib
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.mutants import Mutant, draw
from tests.mutation.rooms import Room, find_room, list_rooms
from tests.mutation.trials import Outcome, Trial, open_copies, preload, run_all

ROOT = Path.cwd()
REACH = ROOT / ".mutation"
"""Which lines each test file reaches: kept, since finding out takes as long as all of the room's tests."""
FIRST_LIMIT_S = 1800.0


@dataclass(frozen=True)
class Reach:
    """What one test file reached of its room when nothing was wrong."""

    seconds: float
    lines: dict[str, list[int]]


def main() -> int:
    """The command."""
    options = read_options()
    if options.room not in list_rooms(ROOT):
        print(f"There is no room '{options.room}' with tests of its own. There are: {', '.join(list_rooms(ROOT))}")
        return 2
    room = find_room(ROOT, options.room)
    files = [name for name in room.sources if not options.files or Path(name).stem in options.files.split(",")]
    sample = draw(ROOT, files, options.sample, options.seed)
    print(f"{len(sample.mutants)} mutants of {sample.places} places in {len(files)} files, "
          f"{sample.equivalent} equivalent ones put aside; loading ...", flush=True)  # fmt: skip
    preload(training=room.name == "trainer")
    with open_copies(ROOT, options.workers) as copies:
        reached = find_reach(room, copies)
        if reached is None:
            return 2
        trials = [plan(mutant, room, reached, options.quick) for mutant in sample.mutants]
        outcomes = run_all(trials, copies, lambda number, outcome: tell(sample.mutants[number], outcome))
    survivors = [mutant for mutant, outcome in zip(sample.mutants, outcomes, strict=True) if outcome.status in (0, 5)]
    print()
    for mutant in survivors:
        print(mutant)
    noticed, of = len(outcomes) - len(survivors), len(outcomes)
    low, high = wilson(noticed, of)
    share = f"{noticed / max(of, 1):.0%} (95 % interval {low:.0%} to {high:.0%})"
    print(f"\n{room.name}: {noticed} of {of} noticed, {share}, seed {options.seed}, {sample.equivalent} equivalent")
    return 0


def read_options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("room")
    parser.add_argument("--sample", type=int, default=60, help="how many mutants (60)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (0)")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--files", default="", help="only of these modules, by name without .py, with commas between")
    parser.add_argument("--quick", action="store_true", help="only the test files that reach the line in process: "
                        "misses what a child process or another file would notice")  # fmt: skip
    return parser.parse_args()


def find_reach(room: Room, copies: list[Path]) -> dict[str, Reach] | None:
    """What each of the room's test files reaches; None, said, where one fails with nothing planted."""
    keys = {test: make_key(room, test) for test in room.tests}
    kept = {key: Reach(**json.loads((REACH / key).read_text())) for key in keys.values() if (REACH / key).is_file()}
    missing = [test for test in room.tests if keys[test] not in kept]
    if missing:
        print(f"Running {len(missing)} test files with nothing planted ...", flush=True)
    trials = [Trial((test,), FIRST_LIMIT_S, cover=room.sources) for test in missing]
    outcomes = run_all(
        trials, copies, lambda number, outcome: print(f"  {outcome.seconds:5.0f} s  {missing[number]}", flush=True)
    )
    REACH.mkdir(exist_ok=True)
    for test, outcome in zip(missing, outcomes, strict=True):
        if outcome.status not in (0, 5):
            print(f"{outcome.output}\n{test} fails with nothing planted: mend that first.")
            return None
        kept[keys[test]] = Reach(outcome.seconds, outcome.lines)
        (REACH / keys[test]).write_text(json.dumps(asdict(kept[keys[test]])))
    return {test: kept[key] for test, key in keys.items()}


def make_key(room: Room, test: str) -> str:
    """Changes with the test file, its helpers, and the room's sources."""
    helpers = sorted(path for path in (ROOT / room.folder).glob("*.py") if not path.name.startswith("test_"))
    read = [ROOT / test, *helpers, *(ROOT / name for name in room.sources)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in read)).hexdigest()


def plan(mutant: Mutant, room: Room, reached: dict[str, Reach], quick: bool) -> Trial:
    """The room's test files: first that of the module, then those that reach the line, the quickest first."""
    own = Path(mutant.place.file).stem

    def reaches(test: str) -> bool:
        return mutant.place.line in reached[test].lines.get(mutant.place.file, ())

    def turn(test: str) -> tuple[bool, bool, float]:
        return not reaches(test), Path(test).stem != f"test_{own}", reached[test].seconds

    tests = sorted(room.tests, key=turn)
    if quick:
        tests = [test for test in tests if reaches(test)] or tests
    return Trial(tuple(tests), 60 + 5 * sum(reached[test].seconds for test in tests), mutant.place.file, mutant.source)


def tell(mutant: Mutant, outcome: Outcome) -> None:
    """One line for one mutant."""
    word = {0: "SURVIVED", 5: "SURVIVED", None: "noticed (time)"}.get(outcome.status, "noticed")
    print(
        f"{word:15}{outcome.seconds:5.0f} s  {mutant.place.file}:{mutant.place.line} {mutant.place.operator}",
        flush=True,
    )


def wilson(noticed: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, 1927)."""
    if not of:
        return 0.0, 1.0
    share, weight = noticed / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / of + weight / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


if __name__ == "__main__":
    sys.exit(main())
