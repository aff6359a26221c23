"""What a run has to tell is shown on the terminal as it is told, each line once."""

import pytest

from flows.notices import show_notices
from tasks.teacher.notices import tell


def test_each_line_is_shown_once_and_only_while_a_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    tell("before")
    with show_notices():
        for line in ("one", "two\x1b[2J", "one"):
            tell(line)
    tell("after")
    shown = [line for line in capsys.readouterr().err.splitlines() if " | " not in line]  # Prefect's handler prints too
    assert shown == ["one", "two [2J"]
