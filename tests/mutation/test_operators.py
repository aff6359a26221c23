import pytest
from cosmic_ray import plugins
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example

from tests.mutation.operators import OPERATORS, OWN

EXAMPLES = [(name, example) for name, operator in OWN.items() for example in operator.examples()]


@pytest.mark.parametrize(
    ("name", "example"), EXAMPLES, ids=[f"{name}: {one.pre_mutation_code!r}" for name, one in EXAMPLES]
)
def test_a_mistake_is_planted_as_the_operator_says(name: str, example: Example) -> None:
    assert mutate_code(example.pre_mutation_code, OWN[name](), example.occurrence) == example.post_mutation_code


def test_every_operator_is_one_that_cosmic_ray_finds() -> None:
    assert [name for name in OPERATORS if not plugins.get_operator(name)().examples()] == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DropStatement", "x = f()\n"),
        ("DropStatement", "class A:\n    x: int = 1\n"),
        ("DropStatement", "return f()\n"),
        ("DropKeyword", "class A(B, frozen=True): ...\n"),
        ("DropKeyword", "def f(a=1): ...\n"),
        ("SwapBuiltin", "x = self.any(a)\n"),
        ("SwapBuiltin", "x = min\n"),
        ("NegateMembership", "for x in y: ...\n"),
        ("DropOperand", "x = a & b\n"),
    ],
)
def test_nothing_else_is_changed(name: str, code: str) -> None:
    assert mutate_code(code, OWN[name](), 0) is None
