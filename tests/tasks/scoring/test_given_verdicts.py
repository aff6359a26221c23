"""Given verdicts are read from CSV or JSON lines; what is none is told with its line."""

from pathlib import Path

import pytest

from schemas.errors import UserError
from tasks.scoring.given_verdicts import GivenVerdict, read_given_verdicts


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("v.csv", "id,process,response,note\na,true,No,x\nb,,1,\n"),
        ("v.CSV", "\ufeffid,process,response\r\na,right,wrong\r\nb,,yes\r\n"),
        ("v.jsonl", '{"id": "a", "process": true, "response": false}\n\n{"id": "b", "response": "right"}\n'),
    ],
)
def test_both_forms_hold_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_given_verdicts(tmp_path / name) == {
        "a": GivenVerdict(id="a", process=True, response=False),
        "b": GivenVerdict(id="b", response=True),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no verdict"),
        ('{"id": "a", "process": true}\n{', "line 2: it is no JSON"),
        ('["a"]', "line 1: a verdict is"),
        ('{"process": true}', "line 1: a verdict is"),
        ('{"id": "a"}', "line 1: it says neither process nor response"),
        ('{"id": "a", "process": "maybe"}', "line 1: process is 'maybe'; write true or false"),
        ('{"id": "a", "process": 1}\n{"id": "a", "process": 0}', "line 2: there is a verdict on 'a' above already"),
    ],
)
def test_what_is_no_verdict_is_told_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        read_given_verdicts(path)
    assert problem in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_given_verdicts(tmp_path / "none.csv")
