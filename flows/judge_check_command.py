"""Measures a judge:  toolherd judge-check FILE --dataset NAME

FILE holds verdicts that are known to be right, by the rows' ids; the rows hold the judge's. Imports nothing of Prefect.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from flows.terminal import say, warn
from schemas.errors import UserError
from schemas.instance import Instance
from schemas.shown import show_line
from tasks.datasets import DataRoot
from tasks.datasets.parquet import BadTableError, read_table
from tasks.datasets.tables import REJECTED, TEST, TRAIN
from tasks.datasets.versions import resolve_dataset
from tasks.scoring.agreement import compare_grades
from tasks.scoring.given_verdicts import GivenVerdict, read_given_verdicts

_SIDES = ("process", "response")
_LONGEST = 76


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        make_judge_check_app()(given, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        warn(f"error: {show_line(error)} (see toolherd judge-check --help)")
        return 2
    except (UserError, BadTableError, OSError) as error:
        warn(f"error: {show_line(error)}")
        return 2
    return 0


def make_judge_check_app() -> App:
    """The command with its options."""
    app = App(
        name="toolherd judge-check",
        help="Holds a judge's verdicts against ones that are known to be right.",
        help_flags=("--help", "-h"),
        version_flags=(),
        result_action="return_value",
        default_parameter=Parameter(negative=()),
    )
    app.default(_check)
    return app


def _check(
    file: Annotated[Path, Parameter(help='CSV or JSON lines: {"id": ..., "process": true, "response": false}')],
    /,
    *,
    dataset: Annotated[
        str, Parameter(help="a dataset that was made with a judge: its name, name/version or folder")
    ] = ("toolherd"),
    show: Annotated[int, Parameter(help="how many of the rows on which they differ are listed")] = 20,
) -> None:
    """Agreement, Cohen's kappa with its 95 % interval, and the rows on which they differ."""
    given = read_given_verdicts(file)
    folder = resolve_dataset(DataRoot.from_environment(), dataset)
    rows = {
        row.id: row
        for table in (TRAIN, TEST, REJECTED)
        for row in read_table(folder / table, Instance)
        if row.id in given
    }
    judged = {id: row for id, row in rows.items() if row.judge_votes is not None}
    if not judged:
        raise UserError(
            f"{folder}: no judge has read any of the {len(given):,} rows that {file} is about; make the dataset with "
            "--judge.model"
        )
    say(f"{len(judged):,} of {len(given):,} rows were read by a judge; {len(given) - len(rows):,} are not in {folder}")
    say()
    say(f"  {'side':<10}{'rows':>6}{'alike':>8}{'kappa':>8}   95 % interval")
    for side in _SIDES:
        say(f"  {_describe(side, judged, given)}")
    for line in _list_differences(judged, given, show):
        say(line)


def _describe(side: str, judged: dict[str, Instance], given: dict[str, GivenVerdict]) -> str:
    pairs = [
        (right, bool(getattr(row, f"judge_{side}")))
        for id, row in judged.items()
        if (right := getattr(given[id], side)) is not None
    ]
    found = compare_grades(pairs)
    if found.kappa is None or found.low is None or found.high is None:
        kappa = f"{'-':>8}   one of the two says the same of all" if pairs else ""
    else:
        kappa = f"{found.kappa:>8.2f}   {found.low:.2f} to {found.high:.2f}"
    return f"{side:<10}{found.rows:>6,}{found.share:>8.0%}{kappa}"


def _list_differences(judged: dict[str, Instance], given: dict[str, GivenVerdict], show: int) -> list[str]:
    """Each row and side on which they differ: what was given, what the judge says, and why."""
    lines: list[str] = []
    differing = [
        (side, row)
        for row in judged.values()
        for side in _SIDES
        if getattr(given[row.id], side) not in (None, getattr(row, f"judge_{side}"))
    ]
    for side, row in differing[:show]:
        says = "right" if getattr(row, f"judge_{side}") else "wrong"
        reasons = [vote[side]["reason"] for vote in json.loads(row.judge_votes or "[]")]
        lines += [
            "",
            f"{row.id}, {side}: given {'wrong' if says == 'right' else 'right'}, the judge says {says}",
            *(f"  {_cut(told)}" for told in (row.instruction, f"→ {row.response}", *reasons)),
        ]
    if len(differing) > show:
        lines += ["", f"and {len(differing) - show:,} more: --show {len(differing)} lists all"]
    return lines


def _cut(text: str) -> str:
    line = show_line(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
