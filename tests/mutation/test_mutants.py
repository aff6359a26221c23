from pathlib import Path

import pytest

from tests.mutation import mutants
from tests.mutation.mutants import draw, list_places, plant, read_equivalent

ROOT = Path(__file__).parents[2]
SOURCE = """\
def is_allowed(age: int, member: bool) -> bool:
    if age >= 18 and member:
        return True
    return False
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "rules.py").write_text(SOURCE)
    return tmp_path


def list_changes(tree: Path) -> set[tuple[str, str]]:
    planted = (plant(tree, place) for place in list_places(tree, ["rules.py"]))
    return {(mutant.before, mutant.after) for mutant in planted if mutant is not None}


def test_what_a_tired_engineer_gets_wrong_is_among_the_mutants(tree: Path) -> None:
    line = "if age >= 18 and member:"
    assert {
        (line, "if age > 18 and member:"),
        (line, "if age >= 19 and member:"),
        (line, "if age >= 17 and member:"),
        (line, "if age >= 18 or member:"),
        (line, "if member:"),
        (line, "if age >= 18:"),
        (line, "if True:"),
        (line, "if False:"),
        ("return True", "return False"),
        ("return False", "return True"),
    } == list_changes(tree)


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("@lru_cache(maxsize=64)\ndef f(): ...\n", False),
        ("@dataclass(frozen=True)\nclass A: ...\n", False),
        ("@retry(times=3)\ndef f(): ...\n", True),
        ('T = TypeVar("T", bound=int)\n', False),
        ("x = zip(a, b, strict=True)\n", False),
        ("x = zip(a[1:], b)\n", True),
        ("x = ask(a, strict=True)\n", True),
        ('x = path.read_text(encoding="utf-8")\n', False),
        ('x = path.read_text(newline="")\n', True),
        ("def f(a, *, b): ...\n", False),
        ("x = a * b\n", True),
    ],
)
def test_what_is_said_to_readers_alone_is_left_alone(tree: Path, source: str, changed: bool) -> None:
    (tree / "rules.py").write_text(source)
    assert bool(list_places(tree, ["rules.py"])) == changed


def test_a_mutant_is_the_whole_file_with_one_change(tree: Path) -> None:
    planted = [plant(tree, place) for place in list_places(tree, ["rules.py"])]
    assert SOURCE.replace("True", "False") in [mutant.source for mutant in planted if mutant is not None]


def test_a_seed_draws_the_same_and_another_seed_others(tree: Path) -> None:
    drawn = [draw(tree, ["rules.py"], 5, seed).mutants for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 5


def test_more_than_there_are_is_all_of_them(tree: Path) -> None:
    assert len(draw(tree, ["rules.py"], 1000, 0).mutants) == 10


def test_equivalent_mutants_are_put_aside_and_counted(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = tree / "equivalent.toml"
    entries.write_text(
        '[[equivalent]]\nfile = "rules.py"\nbefore = "if age >= 18 and member:"\nafter = "if True:"\nwhy = "one"\n'
        '[[equivalent]]\nfile = "rules.py"\nbefore = "return False"\nwhy = "all of a line"\n'
        '[[equivalent]]\nfile = "other.py"\nbefore = "return True"\nwhy = "of another file"\n'
    )
    monkeypatch.setattr(mutants, "EQUIVALENT", entries)
    sample = draw(tree, ["rules.py"], 1000, 0)
    assert sample.equivalent == 2
    assert len(sample.mutants) == 8


@pytest.mark.parametrize("entry", read_equivalent(), ids=lambda entry: f"{entry.file}: {entry.before[:40]}")
def test_an_equivalent_mutant_is_of_a_line_that_is_there(entry: mutants.Equivalent) -> None:
    assert entry.before in " ".join((ROOT / entry.file).read_text(encoding="utf-8").split())
    assert entry.why
