"""An episode laid out for the checks: its calls with what was known before each, read once and shared by all checks."""

import re
from dataclasses import dataclass
from typing import Any

from schemas.episodes import Episode, Observation, ToolCall
from schemas.foreign_json import read_foreign_json
from schemas.toolset import Function, Toolset
from tasks.openapi.free_leaves import find_free_leaves
from tasks.quality.arguments import is_argument_grounded
from tasks.quality.corpus import Corpus, walk_json
from tasks.quality.written_numbers import read_numbers, read_spelled_numbers
from tasks.values.folding import SEPARATOR, fold_words


@dataclass(frozen=True)
class CallView:
    """One call: `arguments` is None where they are no JSON object, `function` if there is none of the name."""

    call: ToolCall
    place: int
    arguments: dict[str, Any] | None
    function: Function | None
    observation: Observation | None
    ungrounded: tuple[tuple[str, Any], ...]
    free: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class EpisodeView:
    """The calls in order, all that the episode said (system message and the assistant's own words aside), and when.

    `replies` holds the places (in trajectory.messages) of the user's messages after the first.
    """

    calls: tuple[CallView, ...]
    corpus: Corpus
    replies: tuple[int, ...]


def parse_arguments(text: str) -> dict[str, Any] | None:
    """The arguments that the assistant wrote, or None if they are no JSON object that a call can hold."""
    try:
        value = read_foreign_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


_AGREEMENTS = frozenset(["yes", "yeah", "yep", "sure", "correct", "right", "exactly", "ok", "okay", "please"])


_ANSWER = re.compile(r"(?:^|[,:.!]\s+|\b(?:use|take|is|be)\s+)(\w+)[.!]?\s*$", re.IGNORECASE)
"""A word that a reply ends with, and that is all it says: "Oh right, es.", "Please use es."."""


def _agrees(reply: str) -> bool:
    return bool(_AGREEMENTS & set(fold_words(reply)[:2]))


def view_episode(episode: Episode, toolset: Toolset) -> EpisodeView:
    """The episode as the checks read it; the last one is remembered, as they ask for it one after the other."""
    global _last
    last = _last  # one read: another thread may put its own there meanwhile
    if last is None or last[0] is not episode or last[1] is not toolset:
        last = _last = (episode, toolset, _build_view(episode, toolset))
    return last[2]


_last: tuple[Episode, Toolset, EpisodeView] | None = None


def _build_view(episode: Episode, toolset: Toolset) -> EpisodeView:
    functions = {function.name: function for function in toolset.functions}
    trajectory = episode.trajectory
    corpus = Corpus()
    calls: list[CallView] = []
    replies: list[int] = []
    said = tuple(message.content for message in trajectory.messages if message.role == "user")
    seen_user, question, waiting = False, "", iter(trajectory.observations)
    for place, message in enumerate(trajectory.messages):
        if message.role == "user":
            corpus.add_text(message.content)
            if seen_user:
                replies.append(place)
                if _agrees(message.content):
                    corpus.add_text(question)
                if answer := _ANSWER.search(message.content):
                    corpus.add_text(f"{SEPARATOR} {answer[1]} {SEPARATOR}")
            seen_user = True
        elif message.role == "tool":
            observation = next(waiting, None)
            if observation is not None:
                corpus.add_json(observation.body)
                if observation.status >= 400:
                    corpus.numbers.add(observation.status)
        elif message.role == "assistant":
            question = "" if message.tool_calls else message.content
            for call in message.tool_calls:
                # observations stand in the order of the calls; ids need not be unique in an episode
                observation = trajectory.observations[len(calls)] if len(calls) < len(trajectory.observations) else None
                view = _view_call(call, place, functions.get(call.name), observation, corpus, said)
                calls.append(view)
    for view in calls:
        corpus.add_json(view.arguments)
        corpus.bodies.pop()  # what was sent is known, but not counted
    return EpisodeView(tuple(calls), corpus, tuple(replies))


def _view_call(
    call: ToolCall,
    place: int,
    function: Function | None,
    observation: Observation | None,
    corpus: Corpus,
    said: tuple[str, ...],
) -> CallView:
    arguments = parse_arguments(call.arguments)
    schema = function.parameters if function else {}
    free = tuple(find_free_leaves("", arguments, [schema]))
    ungrounded = tuple(
        (path, leaf)
        for path, leaf in free
        if not is_argument_grounded(leaf, corpus)
        and (not _cuts_nothing(path, leaf, observation) or any(map(_holds_number, said)))
    )
    return CallView(call, place, arguments, function, observation, ungrounded, free)


def _holds_number(text: str) -> bool:
    """Whether a text has a number that may be how many are wanted: no amount of money, and no part of a code."""
    bare = _OTHER_NUMBER.sub(" ", text)
    return any(0 < number <= _MOST_WANTED for number in read_numbers(bare) | read_spelled_numbers(fold_words(bare)))


_MOST_WANTED = 100
"""Of things that a user wants to see."""

_OTHER_NUMBER = re.compile(r"[$€£¥]\s?\d[\d.,]*|\b\w*[A-Za-z]\w*[-_]\d[\w-]*|\d[\d.,]*\s?[$€£¥%]|\b[A-Za-z_]+\d\w*")


def _cuts_nothing(path: str, value: Any, observation: Observation | None) -> bool:
    """Whether a value is the size of a page, and more than came back: it has changed nothing.

    An assistant may choose such a size where the user says no number, at any time: it could be the one that was meant.
    """
    is_size = re.sub(r"[^a-z]", "", path.lower()) in _PAGE_SIZES and isinstance(value, int)
    if not is_size or observation is None:
        return False
    if observation.status >= 500:
        return True
    if observation.status >= 400:
        return False
    lists = [part for part in walk_json(observation.body) if isinstance(part, list)]
    return bool(lists) and all(len(found) < value for found in lists)


_PAGE_SIZES = frozenset({"limit", "pagesize", "perpage", "maxresults", "maxitems", "itemsperpage", "resultsperpage"})
"""Names that mean nothing else; the `count` or `size` that `openapi.lint` takes for a limit may be an order's."""
