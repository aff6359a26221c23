"""Mistakes planted in sound episodes, one kind each: what the checks of `tasks/quality` are held against.

    python -m tests.corruptions DATA_ROOT [SEED]

plants each kind once in every accepted episode of a data root that has a place for it, and prints how many of each are
caught, and some that are not.
"""

import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from schemas.artifacts import Artifact, Episodes
from schemas.episodes import Episode, Message, Observation, ToolCall
from schemas.toolset import Toolset
from tasks.quality import check_episode

Corruption = Callable[[Episode, Sequence[Episode], random.Random], Episode | None]
"""An episode with one mistake in it, or None where it has no place for that kind; `others` are of the same API."""

_SHOWN = 5
_ID = re.compile(r"[A-Za-z]*[-_]?\d{2,}|[0-9a-f]{8}-[0-9a-f-]{27}")
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:\.\d+)?(?![\w%]|[.,]\d)")
_LEAST_WORDS = 6


def swap_argument(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """Two arguments of a call change places, or one is that of another episode's call of the same function."""
    choices: list[tuple[int, dict[str, Any]]] = []
    for place, call in _list_good_calls(episode):
        arguments = _read(call)
        for one, two in _pairs(list(arguments)):
            if type(arguments[one]) is type(arguments[two]) and arguments[one] != arguments[two]:
                choices.append((place, {**arguments, one: arguments[two], two: arguments[one]}))
    if not choices:
        for place, call in _list_good_calls(episode):
            arguments = _read(call)
            for name, value in _list_values_elsewhere(call.name, others):
                if name in arguments and arguments[name] != value and not _says(episode, value):
                    choices.append((place, {**arguments, name: value}))
    if not choices:
        return None
    place, changed = rng.choice(choices)
    return _with_arguments(episode, place, changed)


def invent_id(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """An id of a call is one that nobody has."""
    choices = [
        (place, _read(call), name)
        for place, call in _list_good_calls(episode)
        for name, value in _read(call).items()
        if re.search(r"(?i)(?:^|_)ids?$|Id$", name) and isinstance(value, str) and _ID.search(value)
    ]
    if not choices:
        return None
    place, arguments, name = rng.choice(choices)
    invented = _change_digits(arguments[name], episode, rng)
    return None if invented is None else _with_arguments(episode, place, {**arguments, name: invented})


def drop_call(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """A call is not there, though a later call or the response uses what only it had returned."""
    calls = list(_list_calls(episode))
    choices = []
    for number, (_, call) in enumerate(calls):
        observation = episode.trajectory.observations[number]
        if observation.status >= 400:
            continue
        rest = " ".join(message.content for message in episode.trajectory.messages if message.role == "user")
        rest += " ".join(json.dumps(o.body) for o in episode.trajectory.observations if o is not observation)
        later = episode.trajectory.response + " ".join(_read_text(c) for _, c in calls[number + 1 :])
        own = [text for text in _list_leaves(observation.body) if text not in rest and text in later]
        if any(len(text) > 2 for text in own):
            choices.append(call)
    return _without_call(episode, rng.choice(choices)) if choices else None


def swap_observations(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """What two calls returned has changed places."""
    observations = episode.trajectory.observations
    choices = [
        (one, two)
        for one, two in _pairs(range(len(observations)))
        if observations[one].body != observations[two].body and _read_at(episode, one) != _read_at(episode, two)
    ]
    if not choices:
        return None
    one, two = rng.choice(choices)
    swapped = list(observations)
    swapped[one], swapped[two] = (
        _answering(observations[one], observations[two]),
        _answering(observations[two], observations[one]),
    )
    return _with_observations(episode, swapped)


def change_number(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """A number of the response, which a call had returned, is another one."""
    response = episode.trajectory.response
    returned = json.dumps([observation.body for observation in episode.trajectory.observations])
    choices = [
        match
        for match in _NUMBER.finditer(response)
        if match.group() in _NUMBER.findall(returned) and not _says(episode, match.group())
    ]
    if not choices:
        return None
    match = rng.choice(choices)
    changed = _change_digits(match.group(), episode, rng)
    if changed is None:
        return None
    return _with_response(episode, response[: match.start()] + changed + response[match.end() :])


def leak_state(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """A call gets what another episode's call of the same function, with other arguments, had got."""
    choices = []
    for number, (_, call) in enumerate(_list_calls(episode)):
        mine = episode.trajectory.observations[number]
        for other in others:
            for at, (_, theirs) in enumerate(_list_calls(other)):
                found = other.trajectory.observations[at]
                is_same = theirs.name != call.name or _read(theirs) == _read(call) or found.body == mine.body
                if not is_same and found.status == mine.status < 400:
                    choices.append((number, found))
    if not choices:
        return None
    number, found = rng.choice(choices)
    changed = list(episode.trajectory.observations)
    changed[number] = _answering(changed[number], found)
    return _with_observations(episode, changed)


def cut_response(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """The response breaks off in the middle of a sentence."""
    response = episode.trajectory.response
    words = [match.end() for match in re.finditer(r"\S+", response)]
    places = [end for end in words[len(words) // 3 : -1] if response[end - 1].isalnum()]
    if len(words) < _LEAST_WORDS or not places:
        return None
    return _with_response(episode, response[: rng.choice(places)])


def answer_another(episode: Episode, others: Sequence[Episode], rng: random.Random) -> Episode | None:
    """The response is that to another request, for which other calls were made."""
    mine = [observation.body for observation in episode.trajectory.observations]
    if not mine:
        return None
    choices = [
        other.trajectory.response
        for other in others
        if other.trajectory.observations
        and other.trajectory.response
        and other.trajectory.response != episode.trajectory.response
        and not any(observation.body in mine for observation in other.trajectory.observations)
    ]
    return _with_response(episode, rng.choice(choices)) if choices else None


CORRUPTIONS: dict[str, Corruption] = {
    "swap an argument": swap_argument,
    "invent an id": invent_id,
    "drop a call": drop_call,
    "swap two observations": swap_observations,
    "change a number": change_number,
    "leak another episode's state": leak_state,
    "cut the response": cut_response,
    "answer another question": answer_another,
}


def _list_calls(episode: Episode) -> Iterator[tuple[int, ToolCall]]:
    """Each call with its number."""
    calls = (call for message in episode.trajectory.messages for call in message.tool_calls)
    return enumerate(calls)


def _list_good_calls(episode: Episode) -> list[tuple[int, ToolCall]]:
    observations = episode.trajectory.observations
    return [(number, call) for number, call in _list_calls(episode) if observations[number].status < 400]


def _list_values_elsewhere(function: str, others: Sequence[Episode]) -> Iterator[tuple[str, Any]]:
    for other in others:
        for _, call in _list_good_calls(other):
            if call.name == function:
                yield from _read(call).items()


def _read(call: ToolCall) -> dict[str, Any]:
    arguments: dict[str, Any] = json.loads(call.arguments)
    return arguments


def _read_text(call: ToolCall) -> str:
    return " ".join(_list_leaves(_read(call)))


def _read_at(episode: Episode, number: int) -> tuple[str, str]:
    call = list(_list_calls(episode))[number][1]
    return call.name, call.arguments


def _list_leaves(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in _list_leaves(item)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _pairs(items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return ((items[one], items[two]) for one in range(len(items)) for two in range(one + 1, len(items)))


def _says(episode: Episode, value: Any) -> bool:
    """Whether the user, or the API by something that is no answer to the call itself, has this value."""
    texts = [message.content for message in episode.trajectory.messages if message.role == "user"]
    return any(str(value).casefold() in text.casefold() for text in texts)


def _change_digits(text: str, episode: Episode, rng: random.Random) -> str | None:
    """The text with other digits, as many, so that nobody has said it."""
    said = " ".join(message.content for message in episode.trajectory.messages)
    for _ in range(50):
        changed = re.sub(r"\d", lambda _: str(rng.randint(1, 9)), text)
        if changed not in said:
            return changed
    return None


def _answering(observation: Observation, other: Observation) -> Observation:
    """What another call got, in place of what this one did."""
    return observation.model_copy(update={"status": other.status, "body": other.body})


def _with_messages(episode: Episode, messages: Sequence[Message], observations: Sequence[Observation]) -> Episode:
    trajectory = episode.trajectory.model_copy(
        update={"messages": tuple(messages), "observations": tuple(observations)}
    )
    return episode.model_copy(update={"trajectory": trajectory})


def _with_response(episode: Episode, response: str) -> Episode:
    messages = [*episode.trajectory.messages]
    messages[-1] = messages[-1].model_copy(update={"content": response})
    return _with_messages(episode, messages, episode.trajectory.observations)


def _with_arguments(episode: Episode, number: int, arguments: dict[str, Any]) -> Episode:
    messages, seen = [], 0
    for message in episode.trajectory.messages:
        calls = list(message.tool_calls)
        if seen <= number < seen + len(calls):
            text = json.dumps(arguments, ensure_ascii=False)
            calls[number - seen] = calls[number - seen].model_copy(update={"arguments": text})
        seen += len(calls)
        messages.append(message.model_copy(update={"tool_calls": tuple(calls)}))
    return _with_messages(episode, messages, episode.trajectory.observations)


def _with_observations(episode: Episode, observations: Sequence[Observation]) -> Episode:
    messages, waiting = [], iter(observations)
    for message in episode.trajectory.messages:
        if message.role == "tool":
            found = next(waiting)
            content = json.dumps({"status": found.status, "body": found.body}, ensure_ascii=False)
            message = message.model_copy(update={"content": content})
        messages.append(message)
    return _with_messages(episode, messages, observations)


def _without_call(episode: Episode, dropped: ToolCall) -> Episode:
    messages, observations = [], []
    waiting = iter(episode.trajectory.observations)
    for message in episode.trajectory.messages:
        if message.role == "tool":
            observation = next(waiting)
            if message.tool_call_id == dropped.id:
                continue
            observations.append(observation)
        if dropped in message.tool_calls:
            calls = tuple(call for call in message.tool_calls if call is not dropped)
            if not calls:
                continue
            message = message.model_copy(update={"tool_calls": calls})
        messages.append(message)
    return _with_messages(episode, messages, observations)


def read_accepted(root: Path) -> Iterator[tuple[Toolset, list[Episode]]]:
    """The toolset of each API of a data root, and those of its episodes that all checks keep."""
    for path in sorted(root.glob("simulate/*/*.json")):
        toolset = _read_content(next(iter(sorted(root.glob(f"[si][pm]*/{path.parent.name}/*.json")))), Toolset)
        episodes = _read_content(path, Episodes).episodes
        sound = [
            episode
            for episode in episodes
            if all(verdict.keep for verdict in check_episode(episode, toolset.restrict(episode.offered)))
        ]
        yield toolset, sound


def _read_content(path: Path, kind: Any) -> Any:
    _, _, payload = path.read_text(encoding="utf-8").partition('"payload":')
    artifact, _ = json.JSONDecoder().raw_decode(payload.lstrip())
    return Artifact[kind].model_validate(artifact).content


def main(root: Path, seed: int) -> None:
    """Plant, check and print."""
    planted, caught = dict.fromkeys(CORRUPTIONS, 0), dict.fromkeys(CORRUPTIONS, 0)
    missed: dict[str, list[str]] = {kind: [] for kind in CORRUPTIONS}
    for toolset, episodes in read_accepted(root):
        for episode in episodes:
            others = [other for other in episodes if other is not episode]
            for kind, corrupt in CORRUPTIONS.items():
                corrupted = corrupt(episode, others, random.Random(f"{seed} {kind} {episode.instruction.id}"))
                if corrupted is None:
                    continue
                planted[kind] += 1
                verdicts = check_episode(corrupted, toolset.restrict(corrupted.offered))
                if all(verdict.keep for verdict in verdicts):
                    missed[kind].append(episode.instruction.id)
                else:
                    caught[kind] += 1
    for kind in CORRUPTIONS:
        share = caught[kind] / planted[kind] if planted[kind] else 1.0
        print(f"{kind:30} {caught[kind]:5} of {planted[kind]:5}  {share:6.1%}  {' '.join(missed[kind][:_SHOWN])}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
