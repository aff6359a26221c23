"""What the commands print: lines, whatever others wrote into them, on any terminal."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from flows.terminal import say, warn
from tests.hostile import ALL, VISIBLE, list_unprintable


def test_a_line_stays_one_keeps_its_layout_and_cannot_act(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"label     {ALL}  end")
    say()
    warn(f"  {VISIBLE}")
    out, err = capsys.readouterr()
    assert list_unprintable(out + err) == []
    assert out.startswith("label     ")
    assert out.endswith("  end\n\n")
    assert out.count("\n") == 2
    assert err == f"  {VISIBLE}\n"


def test_a_terminal_of_another_encoding_gets_what_it_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    say("Grüße 🐑 \udcff")
    assert written.getvalue().decode("latin-1") == "Grüße ? ?\n"


def test_a_bug_is_told_with_its_trace_of_which_nothing_acts() -> None:
    code = """if True:
        from flows.command_line import main
        def read(name, arguments):
            try:
                raise KeyError("first\\x1b[31m")
            except KeyError as error:
                raise ValueError("then \\u202e\\x9b") from error
        main("build_dataset", [], read)"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert list_unprintable(done.stderr) == []
    assert done.stderr.startswith("Traceback (most recent call last):\n  File ")
    assert done.stderr.endswith("ValueError: then   \n")
