"""What goes wrong with a document and with a call."""

from schemas.errors import ToolHerdError


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
