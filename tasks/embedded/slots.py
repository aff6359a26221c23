"""How a request says what a parameter should be ("in Lyon", "with a price of at most 20"), written and read.

`compose_slot` and `read_slot` belong together: what the one writes, the other finds. A form that is added to the
phrases of the one (`user/phrases.yaml`) needs its pattern in the other.
"""

import re
from functools import lru_cache
from random import Random

from schemas.base import Json
from tasks.embedded.plans import Reference
from tasks.embedded.speech import hear, speak_argument, value_pattern
from tasks.embedded.tool_roles import ToolParameter
from tasks.embedded.user import PHRASES
from tasks.values import reads_as_noun, with_article


def compose_slot(parameter: ToolParameter, value: Json | Reference, rng: Random, *, change: bool = False) -> str:
    """The phrase that says that `parameter` is `value`; `change` for what is to be changed rather than found."""
    if parameter.role == "reference":
        return f"for {compose_reference(parameter, value, rng)}"
    assert not isinstance(value, Reference)
    form = rng.choice(PHRASES["slots"][_choose_manner(parameter, change)])
    return str(form).format(
        words=parameter.words,
        a_words=with_article(parameter.words),
        value=speak_argument(parameter, value, rng),
    )


def _choose_manner(parameter: ToolParameter, change: bool) -> str:
    if parameter.role not in ("value", "place"):
        return parameter.role
    if parameter.schema.get("type") == "boolean" or not reads_as_noun(parameter.words):
        return "bare change" if change else "bare"
    return "change" if change else parameter.role


def compose_reference(parameter: ToolParameter, value: Json | Reference, rng: Random) -> str:
    """How one thing is named: by its id or as one of those that an earlier call returned."""
    noun = parameter.noun
    if isinstance(value, Reference):
        if value.select in ("highest", "lowest"):
            return f"the {noun} with the {value.select} {value.attribute}"
        return f"that {noun}" if value.select == "that" else f"the {value.select} {noun}"
    return str(rng.choice(PHRASES["references"])).format(noun=noun, id=value)


def read_slot(parameter: ToolParameter, text: str, attributes: tuple[str, ...] = ()) -> Json | Reference:
    """What `text` says of the parameter; None where it says nothing."""
    for pattern in _slot_patterns(parameter):
        match = pattern.search(text)
        if match:
            return hear(parameter, match.group(1))
    return _read_reference(parameter, text, attributes) if parameter.role == "reference" else None


def reference_pattern(parameter: ToolParameter, attributes: tuple[str, ...]) -> str:
    """The regular expression, without groups, for all that `compose_reference` writes."""
    noun = re.escape(parameter.noun)
    best = "|".join(re.escape(attribute) for attribute in sorted(attributes, key=len, reverse=True)) or "(?!)"
    return (
        rf"(?:that {noun}\b|the (?:first|last) {noun}\b|the {noun} with the (?:highest|lowest) (?:{best})\b"
        rf"|(?:the )?{noun}(?: with the id| with id| number)? (?:{value_pattern(parameter)}))"
    )


def _read_reference(parameter: ToolParameter, text: str, attributes: tuple[str, ...]) -> Reference | None:
    noun = re.escape(parameter.noun)
    for attribute in sorted(attributes, key=len, reverse=True):
        match = re.search(rf"\bthe {noun} with the (highest|lowest) {re.escape(attribute)}\b", text, re.IGNORECASE)
        if match:
            return Reference(match.group(1).lower(), attribute)
    match = re.search(rf"\bthe (first|last) {noun}\b", text, re.IGNORECASE)
    if match:
        return Reference(match.group(1).lower())
    return Reference("that") if re.search(rf"\bthat {noun}\b", text, re.IGNORECASE) else None


@lru_cache(maxsize=512)
def _slot_patterns(parameter: ToolParameter) -> tuple[re.Pattern[str], ...]:
    words, value = re.escape(parameter.words), f"({value_pattern(parameter)})"
    value_sources: dict[str, tuple[str, ...]] = {
        "reference": (rf"\b{re.escape(parameter.noun)}(?: with the id| with id| number)? {value}",),
        "limit": (rf"\b(?:no more than|at most|just|up to|limited to) {value} (?:of them|results)\b",),
        "minimum": (rf"\b{words} (?:of|is) at least {value}", rf"\b{words} {value} or more\b"),
        "maximum": (rf"\b{words} (?:of at most|is no more than) {value}", rf"\b{words} {value} or less\b"),
        "since": (rf"\bsince {value}",),
        "by": (rf"\bby {value}",),
        "paging": (),
        "opaque": (),
    }
    plain = (
        rf"(?<!\w){value} as the (?:new )?{words}\b",
        rf"\b{words}(?: is| set to| changed to|:)? {value}(?! or (?:more|less)\b)",
    )
    place = (rf"\bin {value}",) if parameter.role == "place" else ()
    return tuple(re.compile(source, re.IGNORECASE) for source in value_sources.get(parameter.role, plain + place))
