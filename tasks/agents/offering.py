"""Which functions an assistant is offered in an episode: all of its API's, or as many as endpoints take."""

from collections.abc import Sequence
from random import Random

from schemas.toolset import Function, Toolset
from tasks.agents.asking import derive_seed

MOST_FUNCTIONS = 128
"""OpenAI takes no more in a request, nor do most who follow it; an assistant that is offered more calls worse."""


def choose_functions(toolset: Toolset, planned: Sequence[str], most: int) -> tuple[Function, ...]:
    """At most `most` functions in the order of the document, those that the instruction plans with among them.

    The others are drawn by the API alone, so that its episodes are offered nearly the same, and a row of the dataset
    holds the functions that were.
    """
    if len(toolset.functions) <= most:
        return toolset.functions
    drawn = [function.name for function in toolset.functions]
    Random(derive_seed("functions", toolset.entry.id)).shuffle(drawn)
    chosen = frozenset(list(dict.fromkeys([*planned, *drawn]))[:most])
    return tuple(function for function in toolset.functions if function.name in chosen)
