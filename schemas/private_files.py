"""Files and folders that only their owner may read: Prefect's records, its password, the store of completions.

Their modes do not follow the umask, as those of data do: folders are 0700 and files 0600, made so and not changed
afterwards, and what an older version left open is closed.
"""

import os
from contextlib import suppress
from pathlib import Path

_OTHERS = 0o077


def close_to_others(path: Path) -> None:
    """Take group's and others' rights from a file or folder, if it is there and ours; a link is left alone."""
    with suppress(FileNotFoundError, PermissionError):
        mode = path.lstat().st_mode
        if mode & _OTHERS and not path.is_symlink():
            path.chmod(mode & 0o7700)


def make_private_folder(folder: Path) -> None:
    """Make a folder, if need be with those above it (by the umask), and close it to others. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    close_to_others(folder.resolve())


def open_private(path: str, flags: int) -> int:
    """An `opener` for `open`: a file that is made is closed to others from the first."""
    return os.open(path, flags, 0o600)
