"""What a run has to tell whoever started it, a line each: what was given up, what an endpoint turned out to be like.

The lines go to a logger of their own, so that the command line can show them (`flows/notices.py`), and a run that a
worker started has them in its log.
"""

import logging

LOGGER = "tasks.teacher.notices"

_log = logging.getLogger(LOGGER)


def tell(line: str) -> None:
    """Tell a line. On a terminal each is shown once a run."""
    _log.warning("%s", line)
