"""The mutants of a room: all that there are, a sample drawn by seed, and those known to be equivalent."""

import ast
import difflib
import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.mutation.operators import OPERATORS

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
LEFT_ALONE = {"dataclass": (), "lru_cache": (), "TypeVar": (), "zip": ("strict",), "": ("encoding",)}
"""Calls whose arguments are not changed, and which of them (all where none is named; of any call where that is empty).

That nobody assigns to a record, what a cache holds, what only the checker of types reads, that lists are of one length,
and that text is UTF-8 is said to readers and not to tests.
"""


@dataclass(frozen=True)
class Place:
    """Where one operator can be applied."""

    file: str
    """From the repository's root."""
    operator: str
    occurrence: int
    """The how-many-eth place for this operator in its file, from 0."""
    line: int


@dataclass(frozen=True)
class Mutant:
    """One mistake, planted."""

    place: Place
    before: str
    """The lines that change, on one line and with single spaces."""
    after: str
    source: str
    """The whole file with the mistake."""

    def __str__(self) -> str:
        return f"{self.place.file}:{self.place.line}  {self.before}\n    -> {self.after}"


@dataclass(frozen=True)
class Equivalent:
    """Mutants that no test can notice, or none ought to."""

    file: str
    before: str
    after: str | None
    """All mutants of the line where it is None."""
    why: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether the mutant is one of these."""
        same_line = (self.file, self.before) == (mutant.place.file, mutant.before)
        return same_line and self.after in (None, mutant.after)


@dataclass(frozen=True)
class Sample:
    """What was drawn."""

    mutants: tuple[Mutant, ...]
    equivalent: int
    """How many of those drawn were put aside as equivalent; they are not among the mutants."""
    places: int
    """Of how many places they were drawn."""


def list_places(root: Path, files: list[str]) -> list[Place]:
    """All places in the files, in an order that depends on nothing else."""
    places = []
    for file in sorted(files):
        tree = get_ast((root / file).read_text(encoding="utf-8"))
        for name in OPERATORS:
            operator = plugins.get_operator(name)()
            starts = [(node, start) for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
            places += [
                Place(file, name, occurrence, start[0])
                for occurrence, (node, start) in enumerate(starts)
                if not _is_left_alone(node, *start)
            ]
    return places


def plant(root: Path, place: Place) -> Mutant | None:
    """The mutant of that place; None where what comes out does not compile, or means the same as before."""
    source = (root / place.file).read_text(encoding="utf-8")
    try:
        mutated = mutate_code(source, plugins.get_operator(place.operator)(), place.occurrence)
    except AttributeError:  # cosmic-ray knows no exception with a point in its name
        return None
    try:
        if mutated is None or ast.dump(ast.parse(mutated)) == ast.dump(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    changes = list(difflib.unified_diff(source.splitlines(), mutated.splitlines(), n=0, lineterm=""))[3:]
    before, after = (" ".join(" ".join(line[1:] for line in changes if line[0] == sign).split()) for sign in "-+")
    return Mutant(place, before, after, mutated)


def draw(root: Path, files: list[str], count: int, seed: int) -> Sample:
    """`count` mutants of the files by seed, or all where there are fewer; equivalent ones are put aside."""
    places = list_places(root, files)
    known = read_equivalent()
    drawn: list[Mutant] = []
    equivalent = 0
    for mutant in _shuffle(root, places, seed):
        if len(drawn) == count:
            break
        if any(entry.covers(mutant) for entry in known):
            equivalent += 1
        else:
            drawn.append(mutant)
    return Sample(tuple(drawn), equivalent, len(places))


def read_equivalent() -> list[Equivalent]:
    """The entries of `equivalent.toml`."""
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("equivalent", [])
    return [Equivalent(entry["file"], entry["before"], entry.get("after"), entry["why"]) for entry in entries]


def _is_left_alone(node: Any, line: int, column: int) -> bool:
    """Whether what would change at that place of the node is nothing that a test is to hold."""
    inner = node.get_leaf_for_position((line, column + 1)) if hasattr(node, "children") else node
    if inner.type == "operator" and inner.parent.type in ("parameters", "param"):
        return True  # the star between a function's parameters, which cosmic-ray takes for a product
    keyword = ""
    while inner is not None and inner.type not in ("simple_stmt", "suite"):
        if inner.type == "argument" and inner.children[1] == "=":
            keyword = inner.children[0].value
        if inner.type == "trailer" and inner.children[0] == "(":
            function = inner.get_previous_leaf().value
            if any(keyword in names or not names for name, names in LEFT_ALONE.items() if name in (function, "")):
                return True
            keyword = ""
        inner = inner.parent
    return False


def _shuffle(root: Path, places: list[Place], seed: int) -> Iterator[Mutant]:
    order = random.Random(seed).sample(places, len(places))
    return (mutant for place in order if (mutant := plant(root, place)) is not None)
