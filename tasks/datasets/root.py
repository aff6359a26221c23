"""The data root: where artifacts and datasets lie. Nothing else in the program builds a path into it.

A root is a folder or any fsspec URL. On a local disk a file appears under its name only when all of it is durable, and
the name is durable too when the write returns (temporary name, fsync, rename, fsync of the folder); object stores give
that by themselves, as an object appears when its upload ends.
"""

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from upath import UPath

from schemas.errors import UserError
from schemas.urls import holds_user

ROOT_VARIABLE = "TOOLHERD_DATA_ROOT"
DEFAULT_ROOT = "./data"

_LOCAL_PROTOCOLS = frozenset({"", "file", "local"})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a file system says that knows no hard links (FAT, some shared folders)."""


class DataRoot:
    """A folder or fsspec URL (`./data`, `s3://bucket/prefix`, `gs://…`, `memory://…`) that holds all data.

    Raises UserError if the URL's kind is unknown or the package that speaks it is not installed.
    """

    def __init__(self, url: str) -> None:
        if holds_user(url):
            raise UserError(
                f"{ROOT_VARIABLE} holds a password, and where data lies is recorded with it: leave the password out, "
                "and set the environment variables from which the store's package reads its credentials."
            )
        try:
            path = UPath(url)
            self.is_local = path.protocol in _LOCAL_PROTOCOLS
            self.base = UPath(Path(path.path).expanduser().resolve()) if self.is_local else path
            self.base.fs  # noqa: B018 - loads the package that speaks the protocol
        except (ImportError, ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"data root {url!r} cannot be used: {reason}. Set {ROOT_VARIABLE} to a folder.") from error
        self.url = str(self.base)

    @classmethod
    def from_environment(cls) -> "DataRoot":
        """The root that TOOLHERD_DATA_ROOT names; `./data` where it is unset or empty."""
        return cls(os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)

    def path(self, *parts: str) -> UPath:
        """A path below the root."""
        return self.base.joinpath(*parts)

    @property
    def cache(self) -> UPath:
        """The folder of durable completions."""
        return self.path("cache")

    def require_writable(self) -> None:
        """Write and remove a small file. Raises UserError, in one line, where that fails."""
        probe = self.path(f".write-test-{secrets.token_hex(4)}")
        try:
            self.write_bytes(probe, b"")
            probe.unlink()
        except Exception as error:  # each file system has exceptions of its own
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            remedy = f"make it writable, or set {ROOT_VARIABLE} to another place"
            raise UserError(
                f"data root {self.url} cannot be written: {reason or type(error).__name__}; {remedy}."
            ) from (error)

    def write_bytes(self, path: UPath, data: bytes) -> None:
        """Write a whole file, or leave what was there; folders are made as needed."""
        if self.is_local:
            make_folder(Path(str(path.parent)))
            self._write_file(Path(str(path)), data, os.replace)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def write_new_bytes(self, path: UPath, data: bytes) -> bool:
        """Write a whole file where there is none; whether there was none.

        Of two that do this at once one succeeds, except on an object store and on a disk without links, which keep the
        later one's.
        """
        if self.is_local:
            make_folder(Path(str(path.parent)))  # where a file is in its place, that is no file which was there first
            try:
                self._write_file(Path(str(path)), data, _move_to_new)
                return True
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
        if path.exists():
            return False
        self.write_bytes(path, data)
        return True

    def _write_file(self, path: Path, data: bytes, name: Callable[[Path, Path], None]) -> None:
        """Write a file in a folder that is there, and then `name` it."""
        temporary = path.parent / f".{path.name[:80]}.{secrets.token_hex(4)}.tmp"
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            name(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        make_durable(path.parent)

    def read_bytes(self, path: UPath) -> bytes | None:
        """All of a file; None if there is none."""
        try:
            return bytes(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise


def make_folder(path: Path) -> None:
    """Make a folder on a local disk, and those above it, so that they are still there after a power cut."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        make_durable(path.parent)


def make_durable(path: Path) -> None:
    """Have the disk keep what a file holds; of a folder, which names are in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move_to_new(source: Path, target: Path) -> None:
    """Rename a file to a name that none has. Raises FileExistsError."""
    os.link(source, target)
    source.unlink()
