"""The forms in which one endpoint and model get their requests, as far as this run knows: learnt, told, remembered."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from schemas.calls import ChatRequest, Completion
from schemas.teacher import TeacherSettings
from tasks.teacher.endpoint import is_openais
from tasks.teacher.notices import tell
from tasks.teacher.presets import find_preset
from tasks.teacher.sending.bodies import finish_body
from tasks.teacher.sending.capabilities import (
    DEFAULT_LIMIT,
    LIMITS,
    PARAMETERS,
    Capabilities,
    build_body,
    choose_names,
    list_left_out,
)
from tasks.teacher.sending.learning import learn
from tasks.teacher.sending.memory import PROBED_S, Learnt, Memory
from tasks.teacher.sending.message_forms import list_extra_fields, restore_names
from tasks.teacher.sending.retries import EndpointError
from tasks.teacher.sending.schema_forms import list_parts, list_tool_parts

_STREAMS_IN_VAIN = 2
"""After so many streamed answers that came to nothing, and none that came, one is asked for in one piece."""

_LONGEST_WAIT_S = 10.0
"""So long others wait for one that finds out what is taken: a refusal comes at once, an answer may take minutes."""


@dataclass
class Form:
    """A request in the form in which it is sent. `taught` says that its refusal led to another form, `is_whole` that it
    goes without `stream` to see whether that is what the endpoint cannot do."""

    request: ChatRequest
    known: Capabilities
    body: dict[str, Any]
    taught: bool = False
    is_whole: bool = False

    def finish(self, completion: Completion) -> Completion:
        """The completion as an answer to the request: with the functions' own names, and what was not sent."""
        if names := choose_names(self.request, self.known):
            completion = restore_names(completion, names)
        left_out = list_left_out(self.request, self.known)
        return completion.model_copy(update={"left_out": left_out}) if left_out else completion

    def list_features(self) -> frozenset[str]:
        """What the endpoint may refuse of the body, by name."""
        body = self.body
        features = {*body} - {"model", "messages"}
        features |= {f"messages.{message.get('role')}" for message in body["messages"]}
        features |= {f"messages.{name}" for name in list_extra_fields(body["messages"])}
        if "tools" in body:
            features |= {f"tools.{part}" for part in list_tool_parts(body["tools"])}
        if "response_format" in body:
            asked = body["response_format"]
            described = asked.get("json_schema") or {}
            features |= {f"{asked['type']}.{part}" for part in list_parts([described.get("schema")])}
            features.add(f"{asked['type']}, strict: {described.get('strict')}")
        return frozenset(features)


class Forms:
    """What is believed of one endpoint and model; all methods belong to one event loop.

    Begins with what `memory` holds, else with what the settings lead to. With `scouts` a request that holds something
    which nobody has sent yet goes alone, so that a refusal is met once and not by all that are on their way.
    """

    def __init__(
        self, endpoint: str, settings: TeacherSettings, memory: Memory | None = None, *, scouts: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._model = settings.model
        self._memory = memory
        self._scouts = scouts
        self._scouting = asyncio.Lock()
        self._taken: frozenset[str] = frozenset()
        self._first = self.known = choose_first_beliefs(settings)
        self._learnt_at = self._probed_at = 0.0
        self._is_told = True
        self._has_streamed = self._tries_whole = False
        self._streams_in_vain = 0
        self.recall()

    def recall(self) -> None:
        """Believe what is remembered, which another run may have learnt just now."""
        remembered = None if self._memory is None else self._memory.recall(self._endpoint, self._model)
        if remembered is not None:
            self.known = remembered.capabilities
            self._learnt_at, self._probed_at = remembered.learnt_at, remembered.probed_at
            self._is_told = self.known == self._first

    @property
    def was_probed(self) -> bool:
        """Whether the model has called a function as it was told to, a day ago at most."""
        return 0 <= time.time() - self._probed_at < PROBED_S

    @asynccontextmanager
    async def open(self, request: ChatRequest) -> AsyncIterator[Form]:
        """The form for one attempt at a request; waits while another finds out whether it is taken, but not for long.

        Raises:
            EndpointError: it holds more functions than the endpoint takes.
        """
        form = self.make(request)
        most = self.known.most_tools
        if most is not None and len(request.tools) > most:
            raise EndpointError(
                f"{self._endpoint} takes at most {most:,} functions, and there are {len(request.tools):,}"
            )
        if not self._scouts or form.list_features() <= self._taken:
            yield form
            return
        try:
            await asyncio.wait_for(self._scouting.acquire(), _LONGEST_WAIT_S)
        except TimeoutError:
            yield self.make(request)
            return
        try:
            form = self.make(request)  # more may be known by now
            features = form.list_features()
            if not features <= self._taken:
                try:
                    yield form
                finally:
                    if not form.taught:  # taken, or failed for another reason, of which nobody learns by waiting
                        self._taken |= features
                return
        finally:
            self._scouting.release()
        yield form

    def learn(self, form: Form, refusal: EndpointError) -> bool:
        """Whether a refusal tells in which other form the endpoint takes it; finding that is no failed attempt."""
        self._doubt_stream(form, refusal)
        own = {*(form.request.extra_body or {})} & {*PARAMETERS, *LIMITS}  # what the user insists on is sent on
        learnt = learn(form.known, {name: form.body[name] for name in form.body if name not in own}, refusal)
        if learnt is None:
            return False
        form.taught = True
        # Of those who were refused together one has learnt for all: a second step down would go too far.
        if self.known == form.known:
            self._take(learnt)
        return True

    def note_answer(self, form: Form) -> None:
        """The endpoint has answered a request in this form."""
        self._has_streamed = self._has_streamed or bool(form.body.get("stream"))
        if form.is_whole and self._tries_whole:
            self._tries_whole = False
            self._take(self.known.model_copy(update={"left_out": self.known.left_out | {"stream"}}))

    def _doubt_stream(self, form: Form, failure: EndpointError) -> None:
        """Some servers, and proxies before them, break streams off without a word: see whether it is that."""
        self._tries_whole = self._tries_whole and not form.is_whole  # it was not
        is_other = failure.is_limit or failure.late or failure.means == "loading" or not failure.retried
        is_asked_for = "stream" in form.body and "stream" not in (form.request.extra_body or {})
        if is_asked_for and not is_other and not self._has_streamed:
            self._streams_in_vain += 1
            self._tries_whole = self._streams_in_vain == _STREAMS_IN_VAIN

    def _take(self, learnt: Capabilities) -> None:
        for line in describe_lessons(self.known, learnt):
            tell(f"{self._endpoint} {line}")
        self.known = learnt
        self._learnt_at = self._learnt_at or time.time()
        self._remember()

    def note_probe(self) -> None:
        """The model has called a function as it was told to."""
        self._probed_at = time.time()
        self._remember()

    def note_dropped_schema(self) -> None:
        """A whole answer is not what the schema says that went with its request."""
        if self.known.answers in ("strict", "json_schema"):
            self._take(self.known.model_copy(update={"answers": "json_object"}))

    def make(self, request: ChatRequest, *, streams: bool = True) -> Form:
        """The form in which a request goes now; `streams` as for `finish_body`."""
        self._tell_remembered()
        known, settings = self.known, self._settings
        built = build_body(self._model, request, known)
        body = finish_body(built, request, settings, known.left_out, streams=streams)
        is_whole = self._tries_whole and "stream" in body
        if is_whole:
            body = finish_body(built, request, settings, known.left_out)
        return Form(request, known, body, is_whole=is_whole)

    def _remember(self) -> None:
        if self._memory is not None:
            self._memory.keep(
                Learnt(
                    endpoint=self._endpoint,
                    model=self._model,
                    learnt_at=self._learnt_at or time.time(),
                    probed_at=self._probed_at,
                    capabilities=self.known,
                )
            )

    def _tell_remembered(self) -> None:
        if self._is_told:
            return
        self._is_told = True
        day = time.strftime("%Y-%m-%d", time.localtime(self._learnt_at))
        for line in describe_lessons(self._first, self.known):
            tell(f"{self._endpoint} {line} (found on {day}; `toolherd completions forget` has it asked anew)")


def choose_first_beliefs(settings: TeacherSettings) -> Capabilities:
    """What is believed before anything was refused."""
    if settings.is_embedded:
        # It takes the schema as it is asked for; its answers depend on it, and on the ids of calls.
        return Capabilities(answers="json_schema", call_ids="numbered")
    preset = find_preset(settings)
    if preset is not None:
        return preset.takes
    # Others hold a model to any schema by a grammar; to a strict one at the cost of a value for each field that it
    # would have left out, which makes a small model's answers twice as long, and worse.
    return Capabilities(answers="strict" if is_openais(settings) else "json_schema")


def describe_lessons(before: Capabilities, after: Capabilities) -> Iterator[str]:
    """What was given up between two states of knowledge, a line each, to stand behind the endpoint's name."""
    refused = sorted({*after.left_out} - {*before.left_out} - {*LIMITS})
    if refused:
        yield f"does not take {_quote(refused)}: requests go without {'it' if len(refused) == 1 else 'them'}"
    yield from _describe_limit(before, after)
    if after.answers != before.answers:
        yield _ANSWERS[after.answers]
    for kind, old, new in (("answers", before.answer_parts, after.answer_parts),
                           ("functions", before.tool_parts, after.tool_parts)):  # fmt: skip
        if parts := sorted(new - old):
            yield f"does not take {_quote(parts)} in schemas of {kind}: they go without, the checks stay"
    if after.call_ids != before.call_ids:
        yield _CALL_IDS[after.call_ids]
    if fields := sorted(after.refused_fields - before.refused_fields):
        yield f"does not take {_quote(fields)} in messages: they go back without"
    if asked := sorted(after.asked_fields - before.asked_fields):
        yield f"wants {_quote(asked)} in each turn with calls: it stands empty in those that came without"
    if before.system and not after.system:
        yield "takes no system message: its text goes at the head of the user's first one"
    if after.alternate and not before.alternate:
        yield "wants user and assistant to take turns: messages of one role that follow one another go as one"
    if before.empty_content and not after.empty_content:
        yield "does not take empty content beside calls: null goes in its place"
    if after.most_tools != before.most_tools:
        yield f"takes at most {after.most_tools:,} functions: an episode is given no more"
    if after.longest_name != before.longest_name:
        yield f"wants plain names of functions, {after.longest_name} characters long at most: they go under such names"
    if after.longest_description != before.longest_description:
        yield f"takes descriptions of at most {after.longest_description:,} characters: those of functions are cut"


_ANSWERS = {
    "strict": "takes strict schemas for JSON answers",
    "json_schema": "takes no strict schema for JSON answers: the schema goes as it is",
    "json_object": "takes no schema for JSON answers: a JSON object is asked for, the schema goes into the message",
    "plain": "takes no form for JSON answers: the schema goes into the message",
}

_CALL_IDS = {
    "given": "takes ids of calls as it gave them",
    "numbered": "takes ids of calls as rows have them",
    "nine": "wants ids of calls of nine letters and digits: they go back as such",
}


def _describe_limit(before: Capabilities, after: Capabilities) -> Iterator[str]:
    if after.limit != before.limit:
        old, new = f"`{before.limit}`", f"`{after.limit}`"
        yield f"does not take {old}: " + (
            "answers have no limit" if after.limit is None else f"{new} goes in its place"
        )
    if after.needs_limit and not before.needs_limit:
        yield f"wants `{after.limit}`: requests without a limit of their own say {DEFAULT_LIMIT:,}"
    if after.most_output != before.most_output:
        yield f"takes at most {after.most_output:,} tokens an answer: no more are asked for"


def _quote(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
