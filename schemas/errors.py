"""The exceptions that cross rooms.

ToolHerdError
├── UserError            bad input: the message is one line that says what, where and what to do; exit status 2
├── CutOffError          work on one API's document was ended at a limit; the other APIs go on
├── MissingArtifactError what a step made is gone from the data root; the next run makes it again
├── RunStoppedError      the run asks for no further completions; what is finished is kept
├── NothingAcceptedError a run has come to its end and made nothing that can be used; exit status 1
└── TeacherError         no usable completion was had; the item becomes a row with its reason
    ├── UnusableAnswerError  what was answered cannot be used, and that stays so: the item is left out
    ├── NotStoredError       the completion is not in the store, and was not to be sent for
    ├── NoAnswerError        the endpoint answered, and each draw was cut off, filtered, refused, empty, ...
    └── FatalTeacherError    no later completion can be had either (bad key, unknown model): the run stops, status 2
        └── EngineLostError      the process that asks was ended by something else; exit status 1
"""

import pickle
from typing import Literal, TypeVar

from schemas.episodes import Flaw
from schemas.shown import show_line

E = TypeVar("E", bound=BaseException)


class ToolHerdError(Exception):
    """Base of all that ToolHerd raises on purpose."""


class UserError(ToolHerdError):
    """Bad input; the message is what the user reads."""


class CutOffError(ToolHerdError):
    """Work that a document asked for was ended at a limit; the message says what, where, and which parameter it is."""


class MissingArtifactError(ToolHerdError):
    """A later step needs an artifact that is not there, or not whole; the message names it."""


class TeacherError(ToolHerdError):
    """The teacher gave no usable answer after every attempt; the message holds the last problem."""


class UnusableAnswerError(TeacherError):
    """There were answers, and none could be used; the message holds the last problems."""


class NotStoredError(TeacherError):
    """Nothing was to be sent, and the store has no completion."""


class NoAnswerError(TeacherError):
    """The endpoint answered, and none of the draws is an answer; `flaw` says why the last one is none."""

    def __init__(self, message: str, flaw: Flaw) -> None:
        super().__init__(message)
        self.flaw: Flaw = flaw

    def __reduce__(self) -> tuple[type["NoAnswerError"], tuple[str, Flaw]]:
        return type(self), (str(self), self.flaw)


class FatalTeacherError(TeacherError):
    """The teacher cannot be used at all; the message names the remedy."""


class EngineLostError(FatalTeacherError):
    """The process that asks the teacher is gone; it is nothing that was set."""


StopCause = Literal["budget", "quota", "outage", "errors", "signal"]


class RunStoppedError(ToolHerdError):
    """The run stops in order: nothing further is asked of the teacher, what is in flight is finished and kept.

    `cause` says why: a budget was reached, the endpoint's account or a quota of hours is used up, it is away for longer
    than is waited, too many calls failed, or a signal came. The message names the remedy.
    """

    def __init__(self, message: str, cause: StopCause) -> None:
        super().__init__(message)
        self.cause: StopCause = cause

    @property
    def leaves_a_part(self) -> bool:
        """Whether what is finished is published as a partial dataset, and the run ends with status 3."""
        return self.cause in ("budget", "quota", "outage")

    def __reduce__(self) -> tuple[type["RunStoppedError"], tuple[str, str]]:
        return type(self), (str(self), self.cause)


class NothingAcceptedError(ToolHerdError):
    """A build has accepted none of its rows, or no API came through; `summary` is the run's, which says the rest."""

    def __init__(self, message: str, summary: object = None) -> None:
        super().__init__(message)
        self.summary = summary


def make_portable(error: BaseException) -> Exception:
    """The error, or where pickle cannot take it to another process as it is, one that says the same."""
    try:
        copy = pickle.loads(pickle.dumps(error))
        if isinstance(copy, Exception) and type(copy) is type(error) and str(copy) == str(error):
            return copy
    except Exception:
        pass
    return RuntimeError(f"{type(error).__name__}: {_read_text(error)}")


def _read_text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(what it says cannot be read)"


def make_printable(error: E) -> E:
    """The error itself, with what `show_line` leaves of its message: Prefect keeps and prints what a task raises."""
    error.args = tuple(show_line(arg, None) if isinstance(arg, str) else arg for arg in error.args)
    return error
