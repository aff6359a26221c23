"""Which process sends a request: byte-range locks on a file beside the store, one byte for each key.

The system gives a lock back when its process ends, however it ends, so that a killed run never leaves a claim behind.
Where the file system knows no locks, everybody has every claim: a request may then be sent twice, and none is lost.
"""

import errno
import fcntl
import os
from pathlib import Path

from schemas.private_files import close_to_others

_TAKEN = frozenset({errno.EACCES, errno.EAGAIN})


class Claims:
    """The claims of this process. One claim holds for all threads of it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        close_to_others(path)

    def take(self, key: str) -> bool:
        """Claim a key; False if another process has it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _find_place(key))
        except OSError as error:
            return error.errno not in _TAKEN
        return True

    def give_back(self, key: str) -> None:
        """Let others have a key."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _find_place(key))
        except OSError:
            return  # no locks here

    def close(self) -> None:
        """Give everything back."""
        os.close(self._file)


def _find_place(key: str) -> int:
    """The byte of a key, from the hash at its end; two keys on one byte wait for each other, which is harmless."""
    return int(key[-15:], 16)
