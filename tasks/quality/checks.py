"""The rule checks of an episode: one function a check, each yields what speaks against keeping it.

A verdict's `check` is the value of the reason that the check gives. All checks run on every episode, so that a
rejected row keeps all its reasons; those that make no sense of an episode that the teacher broke off let it pass.
"""

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator

from schemas.episodes import Episode, Flaw, Kind, Verdict
from schemas.reasons import Reason
from schemas.toolset import Toolset
from tasks.markup.control_tokens import find_control_token
from tasks.markup.placeholders import find_placeholders
from tasks.markup.told_calls import find_announced_call, find_proposed_call, find_written_call
from tasks.openapi.agreement import find_disagreements
from tasks.openapi.requests import check_arguments
from tasks.openapi.responses import check_response
from tasks.quality.corpus import Corpus
from tasks.quality.counts import Counts
from tasks.quality.episode_view import CallView, EpisodeView, view_episode
from tasks.quality.response_claims import Grounds, go_through_claims
from tasks.quality.stated_facts import find_miscounts, find_misranges, find_undone
from tasks.quality.toolset_facts import find_changes, find_nouns, find_operations, find_vocabulary
from tasks.quality.used_results import find_unused_results, is_empty_answer, lists_things
from tasks.quality.written_numbers import Number, read_numbers, read_spelled_numbers
from tasks.values.folding import fold_words

Check = Callable[[Episode, Toolset], Iterator[str]]
"""Yields what speaks against an episode by the rule that its docstring states; nothing where the episode is kept."""

_DETAIL_LENGTH = 200

_LEAST_WORDS = 6
"""Of a line of prose: shorter ones are headings and answers in a word, which need no full stop."""

_NO_PROSE = re.compile(r"\s*(?:[-*•·–#>|]|\d+[.)]\s|[`{\[])")
"""How a line of a list, a heading, a quotation, a table or code begins."""


def check_episode(episode: Episode, toolset: Toolset) -> tuple[Verdict, ...]:
    """The verdicts of all checks, in the order of `CHECKS`."""
    return tuple(run_check(reason, episode, toolset) for reason in CHECKS)


def run_check(reason: Reason, episode: Episode, toolset: Toolset) -> Verdict:
    """The verdict of the check that gives this reason; the first problem, on one line, is the detail.

    An episode that holds what a check cannot compute with is turned down by it, and takes no other with it.
    """
    try:
        problem = next(CHECKS[reason](episode, toolset), None)
    except (ArithmeticError, ValueError, RecursionError) as error:
        problem = f"the check makes nothing of it: {type(error).__name__}: {error}"
    if problem is None:
        return _keep(reason)
    line = re.sub(r"\s+", " ", problem).strip()
    detail = line if len(line) <= _DETAIL_LENGTH else line[: _DETAIL_LENGTH - 1] + "…"
    return Verdict(check=reason.value, keep=False, reason=reason, detail=detail)


@functools.cache
def _keep(reason: Reason) -> Verdict:
    """Most verdicts are this one."""
    return Verdict(check=reason.value, keep=True)


def _quote(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def check_teacher(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """The teacher could be asked to the end; answers that are none are left to others."""
    if episode.trajectory.end == "teacher_error" and episode.trajectory.flaw is None:
        yield episode.trajectory.error or "the teacher gave no usable answer"


def _check_flaw(flaw: Flaw, episode: Episode, toolset: Toolset) -> Iterator[str]:
    """The episode did not end for want of an answer without this flaw."""
    if episode.trajectory.flaw == flaw:
        yield episode.trajectory.error or "no draw was an answer"


def _check_fault(reason: Reason, episode: Episode, toolset: Toolset) -> Iterator[str]:
    """No answer of a model that plays the API was found wrong for this reason when it was given."""
    for observation in episode.trajectory.observations:
        if observation.reason is reason:
            yield f"{observation.function}: {observation.problem}"


def check_tokens(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """No answer holds tokens that steer the model, but for those that the user or the API spoke of."""
    yield from _check_flaw("leaked_tokens", episode, toolset)
    for message in episode.trajectory.messages:
        token = find_control_token(message.content) if message.role == "assistant" else ""
        if token and not _find_said(episode).holds_raw(token):
            yield f"an answer holds {token}"


def check_tool_calls(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """Every call is one: its arguments are a JSON object, and none is written as text."""
    for view in view_episode(episode, toolset).calls:
        if view.arguments is None:
            yield f"{view.call.name}: the arguments are no JSON object: {view.call.arguments}"
    names = {function.name for function in toolset.functions}
    for message in episode.trajectory.messages:
        if message.role == "assistant":
            written = find_written_call(message.content, names, has_calls=bool(message.tool_calls))
            if written:
                yield f"a call is written as text: {written}"
    called = {view.call.name for view in view_episode(episode, toolset).calls}
    response = episode.trajectory.response
    if episode.instruction.kind is Kind.NO_TOOL:
        named = find_proposed_call(response, names)
    else:
        named = find_announced_call(response, names - called, has_calls=bool(called))
    if named:
        yield f"a function is named and not called: {named}"


def check_whole(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """The final response is whole: nothing that it announces is left out, and its last sentence ends.

    Who writes no full stops elsewhere in the episode need not write one in the end.
    """
    yield from _check_flaw("partial", episode, toolset)
    response = episode.trajectory.response.rstrip()
    if response.rstrip("*_`\"' ").endswith((":", "：")):
        yield f"the response ends where something was to follow: {response[-80:]}"
    others = [
        m.content.strip() for m in episode.trajectory.messages[:-1] if m.role == "assistant" and m.content.strip()
    ]
    if _breaks_off(response) and (not others or not all(map(_breaks_off, others))):
        yield f"the response ends within a sentence: {response[-80:]}"


def _breaks_off(text: str) -> bool:
    """Whether a text ends within a sentence: with a letter, a digit or a comma, and not in a list, a table or code."""
    line = text.rsplit("\n", 1)[-1]
    is_prose = len(line.split()) >= _LEAST_WORDS and not _NO_PROSE.match(line)
    return is_prose and (line[-1].isalnum() or line[-1] in ",;(&-–—") and "://" not in line.split()[-1]


def check_functions(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """Every function that is called exists."""
    for view in view_episode(episode, toolset).calls:
        if view.function is None:
            yield f"no function {view.call.name}"


def check_conformance(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """The arguments conform to the function's schema; calls that are none, or to no function, are left to others."""
    for view in view_episode(episode, toolset).calls:
        if view.function is not None and view.arguments is not None:
            for problem in check_arguments(view.function.parameters, view.arguments):
                yield f"{view.call.name}: {problem}"


def check_argument_grounding(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """Every value was said by the user or returned by an earlier call; defaults and enumerated values aside."""
    for view in view_episode(episode, toolset).calls:
        for path, value in view.ungrounded:
            yield f"{view.call.name}: {path} = {_quote(value)}"


def check_placeholders(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """No argument, no answer of a model that plays the API, and no response holds a placeholder."""
    yield from _check_fault(Reason.PLACEHOLDER, episode, toolset)
    view = view_episode(episode, toolset)
    find_said = functools.cache(lambda: _find_said(episode))  # needed only where something looks like a placeholder

    def is_said(text: str) -> bool:
        said = find_said()
        if re.fullmatch(r"[\w ]+", text):
            return said.holds_phrase(fold_words(text))
        return said.holds_raw(text)

    for call in view.calls:
        for path, value in call.free:
            if isinstance(value, str):
                for placeholder in find_placeholders(value, is_said, whole=True):
                    yield f"{call.call.name}: {path} holds {_quote(placeholder)}"
    for placeholder in find_placeholders(episode.trajectory.response, is_said):
        yield f"the response holds {_quote(placeholder)}"


def _find_said(episode: Episode) -> Corpus:
    """What the user and the API said, without the arguments that the view's corpus holds too."""
    said = Corpus()
    for message in episode.trajectory.messages:
        if message.role == "user":
            said.add_text(message.content)
    for observation in episode.trajectory.observations:
        if 0 < observation.status < 400:  # an error quotes the argument that it finds fault with
            said.add_json(observation.body)
    return said


def check_call_present(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """Where a function fits, one was called, and more than one where several calls are needed. One fits, too, where an
    instruction of kind no_tool was planned with it."""
    if episode.trajectory.end in ("teacher_error", "invalid_response"):
        return
    if episode.instruction.kind is Kind.NO_TOOL:
        if episode.instruction.functions:
            planned = ", ".join(episode.instruction.functions)
            yield f"the instruction is of kind no_tool, and its plan names {planned}"
        return
    calls = view_episode(episode, toolset).calls
    if not calls:
        yield f"nothing was called for an instruction of kind {episode.instruction.kind.value}"
    elif len(calls) == 1 and episode.instruction.kind is Kind.MULTI_CALL and not _found_nothing(calls[0]):
        yield f"{calls[0].call.name} alone was called for an instruction of kind multi_call"


def _found_nothing(call: CallView) -> bool:
    """Whether there was nothing to go on with."""
    return call.observation is not None and is_empty_answer(call.observation.body)


def check_call_absent(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """Where no function fits, none was called."""
    if episode.instruction.kind is Kind.NO_TOOL:
        for view in view_episode(episode, toolset).calls:
            yield f"{view.call.name} was called and no function fits"


def check_question(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """A missing detail was asked for, and answered, before the call that needs it."""
    if episode.instruction.kind is not Kind.MISSING_DETAIL or episode.trajectory.end == "teacher_error":
        return
    view = view_episode(episode, toolset)
    if not view.replies:
        yield "the assistant never asked"
        return
    for call in view.calls:
        if call.place < view.replies[0] and _needs_detail(episode, call):
            yield f"{call.call.name} was called with the missing detail before the user had been asked for it"


def _needs_detail(episode: Episode, call: CallView) -> bool:
    """Whether a call made before the question has the withheld parameter with a value that nobody had said."""
    detail = episode.instruction.withheld
    if detail is None:
        return True
    if any(path.split(".")[-1].split("[")[0] == detail.parameter for path, _ in call.ungrounded):
        return True
    return bool((call.arguments or {}).get(detail.parameter, ...) == detail.value)


def check_steps(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """The episode ended with a response before the limit of turns."""
    if episode.trajectory.end == "too_many_steps":
        turns = sum(message.role == "assistant" for message in episode.trajectory.messages)
        yield f"no final response after {turns} assistant turns"


def check_recovery(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """Whatever erred was called again with success; in `error_recovery`, something erred."""
    observations = episode.trajectory.observations
    erred = [i for i, observation in enumerate(observations) if not 0 < observation.status < 400]
    if episode.trajectory.end == "invalid_response":
        return
    for i in erred:
        later = (o for o in observations[i + 1 :] if o.function == observations[i].function)
        if not any(0 < observation.status < 400 for observation in later):
            yield f"{observations[i].function} answered {observations[i].status} and never succeeded after that"
    if episode.instruction.kind is Kind.ERROR_RECOVERY and not erred and episode.trajectory.end != "teacher_error":
        yield "no call erred, so there was nothing to recover from"


def check_observations(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """What the API answered conforms to its document, as it was found to and still does."""
    operations = find_operations(toolset)
    for observation in episode.trajectory.observations:
        if observation.reason not in (None, Reason.INVALID_RESPONSE):
            continue
        problem = "" if observation.valid else observation.problem or "the answer does not conform"
        operation = operations.get(observation.function)
        if not problem and operation is not None:
            problem = check_response(operation, observation.status, observation.body)
        if problem:
            yield f"{observation.function}: {problem}"


def check_answers(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """What the API answered is an answer to the request that was made, and agrees with what it answered before."""
    yield from _check_fault(Reason.CONTRADICTORY_ANSWER, episode, toolset)
    operations = find_operations(toolset)
    for view in view_episode(episode, toolset).calls:
        if view.arguments is not None and view.observation is not None:
            yield from find_disagreements(view.arguments, view.observation, operations.get(view.call.name))


def check_response_grounding(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """What the final response states is in the observations or in what the user said, or follows from it."""
    view = view_episode(episode, toolset)
    response = episode.trajectory.response
    grounds = _find_grounds(view, toolset, response)
    for claim in go_through_claims(response, grounds):
        yield f"nothing that was said or returned holds {_quote(claim)}"
    good = [observation for observation in episode.trajectory.observations if 0 < observation.status < 400]
    bodies = [observation.body for observation in good]
    for claim in find_miscounts(response, bodies, find_nouns(toolset), grounds.counts):
        yield f"so many were neither listed nor told: {_quote(claim)}"
    for claim in find_misranges(response, bodies):
        yield f"the values go farther: {_quote(claim)}"
    changes = find_changes(toolset)
    has_changed = changes is None or any(observation.function in changes for observation in good)
    for claim in find_undone(response, has_changed=has_changed):
        yield f"no call did so: {_quote(claim)}"


def check_result_used(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """Where something was to be found out, the final response uses what the calls returned.

    One that is empty, or states what nobody returned, is left to the checks for that.
    """
    response = episode.trajectory.response
    if not response.strip() or episode.instruction.kind is Kind.NO_TOOL:
        return
    for problem in find_unused_results(episode, toolset):
        if next(check_response_grounding(episode, toolset), None) is None:
            yield problem


def check_end_state(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """What changes something was called with success as often as the instruction was planned with it, and no more.

    A POST that lists things is a search, and what left all as it was has changed nothing.
    """
    planned, changes = episode.instruction.functions, find_changes(toolset) or frozenset()
    if episode.trajectory.end != "response" or not planned:
        return
    called = Counter(
        observation.function
        for observation in episode.trajectory.observations
        if observation.function in changes and 0 < observation.status < 400 and not lists_things(observation.body)
    )
    wanted = Counter(name for name in planned if name in changes)
    searches = {
        observation.function for observation in episode.trajectory.observations if lists_things(observation.body)
    }
    for name in wanted - called:
        if name not in searches:
            yield f"{name} was to be called and never succeeded"
    for name in called - wanted if episode.end_state != () else ():
        yield f"{name} changed what nobody asked to be changed"


def _find_grounds(view: EpisodeView, toolset: Toolset, response: str) -> Grounds:
    def find_limits() -> set[Number]:
        limits: set[Number] = read_numbers(response)
        for segment in view.corpus.segments:
            if segment.by_user:
                limits |= read_numbers(segment.raw) | read_spelled_numbers(segment.words)
        return limits

    counts = Counts(view.corpus.bodies, {len(view.calls), len(toolset.functions)}, find_limits)
    return Grounds(view.corpus, find_vocabulary(toolset), counts)


def check_response_present(episode: Episode, toolset: Toolset) -> Iterator[str]:
    """The final response says something."""
    yield from _check_flaw("empty", episode, toolset)
    if episode.trajectory.end == "response" and not episode.trajectory.response.strip():
        yield "the final response is empty"


CHECKS: dict[Reason, Check] = {
    Reason.TEACHER_ERROR: check_teacher,
    Reason.CUT_OFF: functools.partial(_check_flaw, "cut_off"),
    Reason.FILTERED: functools.partial(_check_flaw, "filtered"),
    Reason.REFUSED: functools.partial(_check_flaw, "refused"),
    Reason.PARTIAL: check_whole,
    Reason.LEAKED_TOKENS: check_tokens,
    Reason.INVALID_TOOL_CALL: check_tool_calls,
    Reason.UNKNOWN_FUNCTION: check_functions,
    Reason.INVALID_ARGUMENTS: check_conformance,
    Reason.UNGROUNDED_ARGUMENT: check_argument_grounding,
    Reason.PLACEHOLDER: check_placeholders,
    Reason.NO_TOOL_CALL: check_call_present,
    Reason.NEEDLESS_TOOL_CALL: check_call_absent,
    Reason.NO_QUESTION: check_question,
    Reason.TOO_MANY_STEPS: check_steps,
    Reason.UNRECOVERED_ERROR: check_recovery,
    Reason.INVALID_RESPONSE: check_observations,
    Reason.CONTRADICTORY_ANSWER: check_answers,
    Reason.EMPTY_ANSWER: functools.partial(_check_fault, Reason.EMPTY_ANSWER),
    Reason.UNDESERVED_ERROR: functools.partial(_check_fault, Reason.UNDESERVED_ERROR),
    Reason.UNGROUNDED_RESPONSE: check_response_grounding,
    Reason.UNUSED_RESULT: check_result_used,
    Reason.WRONG_END_STATE: check_end_state,
    Reason.EMPTY_RESPONSE: check_response_present,
}
"""The checks by the reason that each gives."""
