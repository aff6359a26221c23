"""Text of others, as it is shown: nothing in it acts, and all that can be seen of it is there."""

import io
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RunStoppedError, TeacherError, make_printable
from schemas.shown import LONGEST_LINE, PrintableRecord, blank_out, show_line, show_lines
from tests.hostile import HOSTILE, VISIBLE, list_unprintable

ANYTHING = st.text(st.characters()) | st.text(st.sampled_from("a \n\x1b\x9b\u202e\u2028\ud83d🐑é"))
"""Characters of all kinds, lone halves of surrogate pairs among them."""


@pytest.mark.parametrize("sequence", HOSTILE.values(), ids=HOSTILE)
def test_what_acts_on_a_terminal_is_shown_as_the_letters_in_it(sequence: str) -> None:
    line = show_line(f"before {sequence} after")
    assert list_unprintable(line) == []
    assert line.startswith("before ")
    assert line.endswith(" after")
    assert "\n" not in line


def test_other_scripts_marks_and_emoji_stay() -> None:
    assert show_line(VISIBLE) == show_lines(VISIBLE) == blank_out(VISIBLE) == VISIBLE


@given(ANYTHING)
def test_a_line_is_printable_and_holds_what_can_be_seen(text: str) -> None:
    line = show_line(text, None)
    assert line.isprintable()
    line.encode()
    assert line == " ".join(line.split(" ")).strip()
    seen = [one for one in text if one.isprintable() and one != " "]
    assert [one for one in line if one not in " ?"] == [one for one in seen if one != "?"]


@given(ANYTHING)
def test_lines_keep_their_number_and_layout(text: str) -> None:
    lines, given_lines = show_lines(text).split("\n"), text.split("\n")
    assert [len(line) for line in lines] == [len(line) for line in given_lines]
    assert all(line.isprintable() for line in lines)
    assert show_lines(show_lines(text)) == show_lines(text)


@given(ANYTHING, st.integers(1, 40))
def test_a_line_is_never_longer_than_asked_for_and_says_where_it_was_cut(text: str, most: int) -> None:
    whole, line = show_line(text, None), show_line(text, most)
    assert len(line) <= most
    assert line == whole if len(whole) <= most else line == whole[: most - 1] + "…"


def test_a_line_is_cut_at_a_length_that_a_person_may_read() -> None:
    assert show_line("x" * LONGEST_LINE) == "x" * LONGEST_LINE
    assert show_line("x" * (LONGEST_LINE + 1)) == "x" * (LONGEST_LINE - 1) + "…"
    assert show_line(ValueError("a  b")) == "a b"


def test_no_control_or_format_character_of_unicode_passes() -> None:
    every = "".join(chr(code) for code in range(0x110000))
    left = {unicodedata.category(one) for one in blank_out(every)}
    assert left & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert {one for one in blank_out(every) if unicodedata.category(one) == "Zs"} == {" "}


def log(record_of: type[logging.LogRecord], logger: str = "prefect") -> str:
    """What a handler writes of a record with hostile text in its message, arguments and exception."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    text = "\x1b[31m\u202e"
    try:
        raise ValueError(text)
    except ValueError as error:
        trace = (type(error), error, error.__traceback__)
    handler.handle(record_of(logger, logging.INFO, "here.py", 1, f"one {text} %s\n  two", (text,), trace))
    return written.getvalue()


def test_a_record_of_the_log_is_printable_with_its_arguments_and_its_trace() -> None:
    assert list_unprintable(log(logging.LogRecord)) == ["U+001B", "U+202E"]
    written = log(PrintableRecord)
    assert list_unprintable(written) == []
    first, second, *trace = written.splitlines()
    assert first == "one  [31m   [31m "
    assert second == "  two"
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[1].startswith('  File "')
    assert trace[-1] == "ValueError:  [31m "


def test_a_message_of_ours_is_one_line_so_that_no_argument_makes_another() -> None:
    first, second, *_ = log(PrintableRecord, "tasks.teacher").splitlines()
    assert first == "one [31m [31m two"
    assert second == "Traceback (most recent call last):"
    assert log(PrintableRecord, "tasks2").startswith("one  [31m   [31m \n  two\n")


def test_an_error_is_made_printable_and_stays_what_it_is() -> None:
    error = RunStoppedError("stop\x1b[31m", "budget")
    assert make_printable(error) is error
    assert (str(error), error.cause) == ("stop [31m", "budget")
    assert str(make_printable(TeacherError("no usable answer"))) == "no usable answer"
    assert make_printable(OSError(28, "full\x9b")).args == (28, "full")
