"""What goes wrong with a document and with a call."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import ToolHerdError

_LINE_LIMIT = 300


class DocumentError(ToolHerdError):
    """A document cannot be used; `problem` is one line that says what is wrong, and where in the document."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class CallError(ToolHerdError):
    """A call does not conform to its function, so that no request is built from it.

    `status` is the HTTP status that the call gets (400), `code` is `missing_argument`, `unknown_argument` or
    `invalid_argument`, `message` names the argument and what is wrong with it.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@contextmanager
def explain_failures() -> Iterator[None]:
    """Have whatever goes wrong be a DocumentError: libraries trip over documents in any way that Python can."""
    try:
        yield
    except DocumentError:
        raise
    except RecursionError as error:
        raise DocumentError("the document nests too deeply to be read") from error
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}"[:_LINE_LIMIT].split())
        raise DocumentError(f"the document cannot be read: {told}") from error
