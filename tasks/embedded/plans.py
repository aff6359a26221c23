"""What a request asks for, as calls: what the user agent starts from and what the assistant reads out of a text."""

from dataclasses import dataclass

from schemas.base import Json


@dataclass(frozen=True)
class Reference:
    """One thing among those that an earlier call returned.

    `select` is `first`, `last`, `that` (the only one there is), `highest` or `lowest`; the last two go by `attribute`
    (in words).
    """

    select: str
    attribute: str = ""


@dataclass(frozen=True)
class PlannedCall:
    """One call; a parameter's value is JSON, or a reference to what an earlier step returned."""

    function: str
    arguments: tuple[tuple[str, Json | Reference], ...]

    @property
    def refers(self) -> bool:
        """Whether the call needs the answer of an earlier one."""
        return any(isinstance(value, Reference) for _, value in self.arguments)


def make_step(function: str, arguments: dict[str, Json | Reference]) -> PlannedCall:
    """A step with its arguments in the order of their names, so that equal steps compare equal."""
    return PlannedCall(function, tuple(sorted(arguments.items(), key=lambda item: item[0])))
