"""How text of others is shown, so that it neither acts nor passes for ours: on terminals, in logs, cards and pages.

Others are endpoints, documents, catalogues, and whoever made a dataset or a model. What is written in Markdown passes
`tasks.datasets.pages` besides.
"""

import logging

LONGEST_LINE = 2_000
"""Characters of a line that are shown."""

_OURS = frozenset({"flows", "tasks"})


def show_line(text: object, most: int | None = LONGEST_LINE) -> str:
    """The text as one line without runs of spaces; of one longer than `most` characters the end is left out."""
    line = " ".join(blank_out(str(text)).split())
    return line if most is None or len(line) <= most else line[: most - 1] + "…"


def show_lines(text: str) -> str:
    """The text with its lines and their layout, however long."""
    return "\n".join(blank_out(line) for line in text.split("\n"))


def blank_out(text: str) -> str:
    """The text with a space for each character that cannot be seen; letters of all scripts, marks and emoji stay.

    Those are control characters (escape sequences begin with one), line ends, what turns the direction of writing, what
    has no width, and what Unicode has not assigned. Half of a surrogate pair becomes a question mark.
    """
    if text.isprintable():
        return text
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else " " for character in whole)


class PrintableRecord(logging.LogRecord):
    """A record of which handlers get printable lines alone: `logging.setLogRecordFactory(PrintableRecord)`."""

    _trace: str | None = None

    def getMessage(self) -> str:  # noqa: N802, its name in `logging`
        """The message with its arguments; of ours one line, whatever is in these."""
        message = super().getMessage()
        is_ours = self.name.partition(".")[0] in _OURS
        return show_line(message, None) if is_ours else show_lines(message)

    @property
    def exc_text(self) -> str | None:
        """The traceback, which the first handler that needs it sets."""
        return self._trace

    @exc_text.setter
    def exc_text(self, trace: str | None) -> None:
        self._trace = trace and show_lines(trace)
