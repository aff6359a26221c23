"""Shows on the terminal what a run has to tell on its way: see `tasks/teacher/notices.py`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from flows.terminal import warn
from tasks.teacher.notices import LOGGER


class _Shown(logging.Handler):
    """Prints each line once, whoever tells it how often."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if line not in self._lines:
            self._lines.add(line)
            warn(line)


@contextmanager
def show_notices() -> Iterator[None]:
    """Print what is told meanwhile."""
    logger, shown = logging.getLogger(LOGGER), _Shown()
    logger.addHandler(shown)
    try:
        yield
    finally:
        logger.removeHandler(shown)
