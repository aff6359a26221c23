"""Which mistakes are planted: cosmic-ray's operators as far as they are mistakes somebody makes, and some of our own.

Cosmic-ray's other operators are left out: most replacements of one arithmetic operator by another fail at once or stand
in type annotations, a decorator that is left out is noticed on import or only makes the code slower, and a condition
that is turned round is noticed more easily than one that always or never holds.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, TypeAlias

from cosmic_ray import plugins
from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import Name

Node: TypeAlias = Any
"""A node or leaf of parso's tree, which declares few of its attributes."""
Span: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


def span(node: Node) -> Span:
    """Where the node stands: start and end, each a line from 1 and a column from 0."""
    return node.start_pos, node.end_pos


def write(text: str, instead_of: Node) -> Node:
    """A leaf with the text, and with the space before it that the node had."""
    return Name(text, instead_of.start_pos, prefix=instead_of.get_first_leaf().prefix)


def cut(parent: Node, child: Node) -> None:
    """Take the child out of a list, with the comma or the operator beside it."""
    at = parent.children.index(child)
    first = at - 1 if at else at
    del parent.children[first : first + 2]


class DropStatement(Operator):  # type: ignore[misc]
    """A call whose result nobody takes, or an assignment to an attribute, an item or by `+=`, is left out."""

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Where this can be done."""
        if node.parent is None or node.parent.type != "simple_stmt":
            return
        called = (
            node.type == "atom_expr" and node.children[-1].type == "trailer" and node.children[-1].children[0] == "("
        )
        stored = node.type == "expr_stmt" and (
            (node.children[0].type == "atom_expr" and node.children[1].type != "annassign")
            or (node.children[1].type == "operator" and node.children[1].value not in ("=", ":"))
        )
        if called or stored:
            yield span(node)

    def mutate(self, node: Node, index: int) -> Node:
        """Do it."""
        return write("pass", node)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Before and after."""
        return Example("os.fsync(f)\n", "pass\n"), Example("self.x = 1\n", "pass\n"), Example("x += 1\n", "pass\n")


class DropOperand(Operator):  # type: ignore[misc]
    """One operand of `and` or `or` is left out."""

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Where this can be done."""
        if node.type in ("and_test", "or_test"):
            yield from map(span, node.children[::2])

    def mutate(self, node: Node, index: int) -> Node:
        """Do it."""
        cut(node, node.children[2 * index])
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Before and after."""
        return Example("x = a and b\n", "x = b\n"), Example("x = a and b\n", "x = a\n", occurrence=1)


class FixCondition(Operator):  # type: ignore[misc]
    """A condition always holds, or never does; a `while` never."""

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Where this can be done."""
        for condition, _ in self._choices(node):
            yield span(condition)

    def mutate(self, node: Node, index: int) -> Node:
        """Do it."""
        condition, value = self._choices(node)[index]
        node.children[node.children.index(condition)] = write(value, condition)
        return node

    @staticmethod
    def _choices(node: Node) -> list[tuple[Node, str]]:
        if node.type == "ternary" or node.type == "test":
            return [(node.children[2], value) for value in ("True", "False")]
        if node.type == "comp_if":
            return [(node.children[1], value) for value in ("True", "False")]
        if node.type == "while_stmt":
            return [(node.children[1], "False")]
        if node.type == "if_stmt":
            after = (at for at, child in enumerate(node.children) if child in ("if", "elif"))
            return [(node.children[at + 1], value) for at in after for value in ("True", "False")]
        return []

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Before and after."""
        return (
            Example("if a: b\n", "if True: b\n"),
            Example("if a: b\n", "if False: b\n", occurrence=1),
            Example("x = a if b else c\n", "x = a if True else c\n"),
            Example("x = [a for a in b if c]\n", "x = [a for a in b if True]\n"),
            Example("while a: b\n", "while False: b\n"),
        )


class NegateMembership(Operator):  # type: ignore[misc]
    """`in` for `not in`, and the other way round."""

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Where this can be done."""
        if node.type == "comparison":
            yield from map(span, self._operators(node))

    def mutate(self, node: Node, index: int) -> Node:
        """Do it."""
        operator = self._operators(node)[index]
        text = "not in" if operator.type == "keyword" else "in"
        node.children[node.children.index(operator)] = write(text, operator)
        return node

    @staticmethod
    def _operators(node: Node) -> list[Node]:
        return [child for child in node.children[1::2] if child.get_code(include_prefix=False) in ("in", "not in")]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Before and after."""
        return Example("x = a in b\n", "x = a not in b\n"), Example("x = a not in b\n", "x = a in b\n")


class DropKeyword(Operator):  # type: ignore[misc]
    """A keyword argument of a call is left out."""

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Where this can be done."""
        yield from map(span, self._keywords(node))

    def mutate(self, node: Node, index: int) -> Node:
        """Do it."""
        keyword = self._keywords(node)[index]
        if node.type == "arglist":
            cut(node, keyword)
        else:
            node.children.remove(keyword)
        return node

    @staticmethod
    def _keywords(node: Node) -> list[Node]:
        if node.type not in ("arglist", "trailer") or node.parent.type == "classdef":
            return []
        return [child for child in node.children if child.type == "argument" and child.children[1] == "="]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Before and after."""
        return Example("f(a, b=c)\n", "f(a)\n"), Example("f(b=c)\n", "f()\n"), Example("f(b=c, d=e)\n", "f( d=e)\n")


class SwapBuiltin(Operator):  # type: ignore[misc]
    """`any` for `all`, `min` for `max`, and the other way round."""

    _OTHER: ClassVar[dict[str, str]] = {"any": "all", "all": "any", "min": "max", "max": "min"}

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Where this can be done."""
        if node.type == "name" and node.value in self._OTHER and node.parent.type == "atom_expr":
            function, arguments = node.parent.children[:2]
            if function is node and arguments.children[0] == "(":
                yield span(node)

    def mutate(self, node: Node, index: int) -> Node:
        """Do it."""
        return write(self._OTHER[node.value], node)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Before and after."""
        return Example("x = any(a)\n", "x = all(a)\n"), Example("x = min(a, b)\n", "x = max(a, b)\n")


OWN = {
    operator.__name__: operator
    for operator in (DropStatement, DropOperand, FixCondition, NegateMembership, DropKeyword, SwapBuiltin)
}
PROVIDER = "toolherd"
plugins.OPERATOR_PROVIDERS[PROVIDER] = OWN

OPERATORS = (
    *(f"{PROVIDER}/{name}" for name in OWN),
    *(
        f"core/{name}"
        for name in (
            "NumberReplacer",
            "ReplaceTrueWithFalse",
            "ReplaceFalseWithTrue",
            "ReplaceAndWithOr",
            "ReplaceOrWithAnd",
            "ReplaceComparisonOperator_Lt_LtE",
            "ReplaceComparisonOperator_LtE_Lt",
            "ReplaceComparisonOperator_Gt_GtE",
            "ReplaceComparisonOperator_GtE_Gt",
            "ReplaceComparisonOperator_Eq_NotEq",
            "ReplaceComparisonOperator_NotEq_Eq",
            "ReplaceComparisonOperator_Is_IsNot",
            "ReplaceComparisonOperator_IsNot_Is",
            "ReplaceBinaryOperator_Add_Sub",
            "ReplaceBinaryOperator_Sub_Add",
            "ReplaceBinaryOperator_Mul_Div",
            "ReplaceBinaryOperator_Div_Mul",
            "ReplaceUnaryOperator_Delete_Not",
            "ReplaceUnaryOperator_Delete_USub",
            "ReplaceBreakWithContinue",
            "ReplaceContinueWithBreak",
            "ExceptionReplacer",
            "ZeroIterationForLoop",
        )
    ),
)
"""By the names under which cosmic-ray finds them; the order is part of what a seed draws."""
