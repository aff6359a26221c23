"""Whether a final response uses anything of what the calls returned.

It does where it holds one new thing of theirs: a number, a word of a value, yes or no. How many things there are is
one where the user asks that, or whether there are any; who asks for the things is not served by their number.
New is what the user had not said. An episode that ends with a change (something created, deleted) needs no more than
to be told so and not to be declined, and where nothing was found, or nothing new came back, there is nothing to use.
"""

import re
from collections.abc import Iterator
from typing import Any

from schemas.episodes import Episode, Observation
from schemas.toolset import Toolset
from tasks.quality.corpus import Corpus, walk_json
from tasks.quality.counts import Counts
from tasks.quality.dates import find_clocks, find_days
from tasks.quality.episode_view import view_episode
from tasks.quality.grounding import HUMP
from tasks.quality.toolset_facts import find_changes
from tasks.quality.written_numbers import Number, read_numbers, read_spelled_numbers
from tasks.values.folding import STOP_WORDS, fold_words, make_phrase

_DECLINES = re.compile(
    r"\b(?:can(?:[’']t|not)|(?:am|[’']m) (?:not able|unable|not allowed) to|won[’']t|will not)"
    r"(?:\s+\w+){0,2}\s+(?:help|assist|do (?:that|this|it)|comply|fulfill?|continue|answer|proceed)\b",
    re.IGNORECASE,
)
"""How a model refuses in words: nothing that was done may be told so."""

_SAY_NOTHING = frozenset(
    fold_words("done complete completed request requested please task have all set here thank you")
)
_ASKS_FOR_COUNT = re.compile(
    r"\bhow (?:many|much|often)\b|\b(?:numbers? of|count|total|any|are there|is there|(?:do|does|did) \w+ have)\b",
    re.IGNORECASE,
)
"""Where a user asks how many there are, or whether there are any."""

_ADDRESS = re.compile(r"https?://\S+$")
_BEGINNING = 5
_SHORTEST_WORD = 3
_YES_OR_NO = frozenset(fold_words("yes no not is are was were has have does do can cannot isn't aren't true false"))


def find_unused_results(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """The problem, if the response uses nothing of the answers that it was to tell of."""
    observations = episode.trajectory.observations
    answered = [observation for observation in observations if 0 < observation.status < 400]
    changes = find_changes(toolset) or frozenset()
    told = [
        observation for observation in answered if observation.function not in changes or lists_things(observation.body)
    ]
    response = episode.trajectory.response
    if not told or told[-1] is not answered[-1]:
        if answered:
            yield from _find_untold_change(response, episode, answered[-1])
        return
    bodies = [observation.body for observation in told]
    if any(map(is_empty_answer, bodies)):
        return
    said, returned = Corpus(), Corpus()
    for message in episode.trajectory.messages:
        if message.role == "user":
            said.add_text(message.content)
    for body in bodies:
        returned.add_json(_drop_addresses(body))
    sent = [call.arguments or {} for call in view_episode(episode, toolset).calls]
    fields = [
        (key, value) for body in bodies for key, value in _walk_fields(body) if not _is_repeated(key, value, sent)
    ]
    if not _is_used(response, returned, said, bodies, fields):
        yield f"nothing that {answered[-1].function} returned is in the response"


def _find_untold_change(response: str, episode: Episode, change: Observation) -> Iterator[str]:
    """The problem, if a change was made and the response declines, or says nothing that is of it."""
    if _DECLINES.search(response):
        yield f"{change.function} succeeded, and the response declines"
    elif not is_empty_answer(change.body):
        fields = " ".join(f"{key} {value}" for key, value in _walk_fields(change.body))
        spoken_of = _find_beginnings(f"{episode.instruction.text} {HUMP.sub(' ', change.function)} {fields}")
        if not spoken_of & _find_beginnings(response):
            yield f"{change.function} succeeded, and nothing in the response is of it"


def _find_beginnings(text: str) -> set[str]:
    """The first letters of the words that say something: those of `delete` and `deleted` are the same."""
    words = (word for word in fold_words(text) if word not in STOP_WORDS and word not in _SAY_NOTHING)
    return {word[:_BEGINNING] for word in words if len(word) >= _SHORTEST_WORD}


def _is_used(response: str, returned: Corpus, said: Corpus, bodies: list[Any], fields: list[tuple[str, Any]]) -> bool:
    """Whether the response holds something new of what was returned; also where there is nothing new.

    `fields` are those that were not already sent.
    """
    words = set(fold_words(response))
    new_words = {
        word
        for segment in returned.segments
        for word in segment.known_words
        if len(word) >= _SHORTEST_WORD and word not in STOP_WORDS and not said.holds_word(word)
    }
    new_words -= {word for key in returned.keys for word in _split_key(key)}
    new_numbers = {number for number in returned.numbers if number not in said.numbers}
    has_flags = any(isinstance(part, bool) for body in bodies for part in walk_json(body))
    if not (new_words or new_numbers or has_flags):
        return True
    if words & new_words or (has_flags and words & _YES_OR_NO and _speaks_of_keys(words, returned)):
        return True
    told: set[Number] = read_numbers(response) | read_spelled_numbers(fold_words(response))
    counts = Counts(bodies, set(), lambda: told | said.numbers)
    if not any(_ASKS_FOR_COUNT.search(segment.raw) for segment in said.segments):
        told = {value for value in told if value not in counts.lengths}
    elif any(counts.holds(value) for value in told if value > 0):
        return True
    if told & new_numbers or any(_is_near(value, new_numbers) for value in told):
        return True
    if any(isinstance(value, str) and _ADDRESS.match(value) and value in response for _, value in fields):
        return True
    days = {day for found in find_days(response) for day in found.readings}
    clocks = {clock for found in find_clocks(response) for clock in found.readings}
    if days & returned.days or clocks & returned.clocks:
        return True
    return any(_states_field(response, key, value) for key, value in fields)


def _drop_addresses(body: Any) -> Any:
    """A body without what is an address: its words are those of hosts and folders."""
    if isinstance(body, dict):
        return {key: _drop_addresses(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_drop_addresses(value) for value in body]
    return "" if isinstance(body, str) and _ADDRESS.match(body) else body


def _walk_fields(body: Any) -> Iterator[tuple[str, Any]]:
    for part in walk_json(body):
        if isinstance(part, dict):
            yield from part.items()


def _is_repeated(key: str, value: Any, sent: list[dict[str, Any]]) -> bool:
    """Whether a field is what a call had sent: the city that was searched in, the id of the thing that is shown."""
    folded = _fold_name(key)
    return any(
        _fold_name(name).endswith(folded) and str(argument) == str(value)
        for sent_with in sent
        for name, argument in _walk_fields(sent_with)
    )


def _fold_name(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _states_field(response: str, key: str, value: Any) -> bool:
    """Whether the response gives a field by its name with its value, which then need not be new."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return False
    words = fold_words(response)
    return make_phrase(fold_words(str(value))) in make_phrase(words) and bool(_split_key(key) & set(words))


def _split_key(key: str) -> set[str]:
    return set(fold_words(f"{key} {HUMP.sub(' ', key)}"))


def _is_near(value: Number, numbers: set[Number]) -> bool:
    """Whether a number is one of these when that is rounded."""
    return any(isinstance(number, float) and abs(number - value) <= max(0.5, 0.05 * abs(number)) for number in numbers)


def _speaks_of_keys(words: set[str], returned: Corpus) -> bool:
    return any(words & _split_key(key) for key in returned.keys)


def lists_things(body: Any) -> bool:
    """Whether an answer lists things, as that of a search does which is a POST."""
    return any(isinstance(part, list) and part for part in walk_json(body))


def is_empty_answer(body: Any) -> bool:
    """Whether an answer says that there is nothing: no body, an empty list in it, a count of 0."""
    if body in (None, "", [], {}):
        return True
    values = list(body.values()) if isinstance(body, dict) else []
    return any(value == [] or (value == 0 and not isinstance(value, bool)) for value in values)
