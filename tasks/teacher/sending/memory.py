"""What was learnt of endpoints, kept across runs in a file beside the completion store.

One entry an endpoint and model, written at once and whole. What cannot be read is ignored, told, and replaced when
there is something to keep; of an entry no more is believed than that requests take other forms.
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from schemas.base import Record
from schemas.errors import UserError
from schemas.private_files import make_private_folder, open_private
from tasks.teacher.notices import tell
from tasks.teacher.sending.capabilities import Capabilities

FORMAT = 1
KEPT_S = 28 * 86400.0
"""After so long everything is asked anew: endpoints and the servers behind them get better."""

PROBED_S = 86400.0
"""So long a probe counts: a server may be started again with other flags, or another model, any day."""

_MOST_BYTES = 1_000_000


class Learnt(Record):
    """What is known of one model at one endpoint; `learnt_at` is the time of the first lesson, in seconds since 1970.

    `probed_at` is when it last called a function that it was told to call; 0 where it was never asked to.
    """

    endpoint: str = Field(max_length=2000)
    model: str = Field(max_length=1000)
    learnt_at: float = Field(ge=0)
    probed_at: float = Field(default=0.0, ge=0)
    capabilities: Capabilities = Capabilities()


class _File(Record):
    format: int = Field(default=FORMAT, ge=1, le=FORMAT)
    learnt: tuple[Learnt, ...] = ()


class Memory:
    """The file of one completion store."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_suffix(".endpoints.json")
        self._lock = store.with_suffix(".endpoints.lock")

    def recall(self, endpoint: str, model: str) -> Learnt | None:
        """What was learnt of a model at an endpoint, if that is not too long ago."""
        now = time.time()
        found = next((item for item in self.list_all() if (item.endpoint, item.model) == (endpoint, model)), None)
        return found if found is not None and 0 <= now - found.learnt_at < KEPT_S else None

    def list_all(self) -> tuple[Learnt, ...]:
        """All that was learnt; nothing where the file is not there or cannot be read as one."""
        try:
            with self.path.open("rb") as file:
                text = file.read(_MOST_BYTES + 1)
            if len(text) > _MOST_BYTES:
                raise ValueError("it is too large")
            return _File.model_validate_json(text).learnt
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            why = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
            tell(f"{self.path} cannot be read ({why}) and is ignored: what endpoints take is found anew")
            return ()

    def keep(self, learnt: Learnt) -> None:
        """Keep an entry in place of the one of the same endpoint and model.

        Raises:
            UserError: the file cannot be written.
        """
        with self._change() as entries:
            entries[learnt.endpoint, learnt.model] = learnt

    def forget(self, model: str | None = None) -> int:
        """Forget all entries, or those of one model; how many there were.

        Raises:
            UserError: the file cannot be written.
        """
        if not self.path.exists():
            return 0
        with self._change() as entries:
            gone = [key for key, item in entries.items() if model in (None, item.model)]
            for key in gone:
                del entries[key]
        return len(gone)

    @contextmanager
    def _change(self) -> Iterator[dict[tuple[str, str], Learnt]]:
        """The entries, to be changed while no other process does; written at the end."""
        try:
            make_private_folder(self.path.parent)
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _wait_for(lock)
                entries = {(item.endpoint, item.model): item for item in self.list_all()}
                yield entries
                self._write([entries[key] for key in sorted(entries)])
            finally:
                os.close(lock)  # and with it the lock is given back
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be written ({error}): see that the disk has room and the folder can be written"
            ) from error

    def _write(self, entries: list[Learnt]) -> None:
        text = json.dumps({"format": FORMAT, "learnt": [_dump(item) for item in entries]}, indent=1, ensure_ascii=False)
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with open(temporary, "w", encoding="utf-8", errors="replace", opener=open_private) as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)


def _dump(item: Learnt) -> dict[str, object]:
    """The entry as JSON, without what is as in the beginning; sets in order, so that the file is the same each time."""
    told = item.model_dump(mode="json", exclude={"capabilities"})
    believed = item.capabilities.model_dump(mode="json", exclude_defaults=True)
    return {**told, "capabilities": {k: sorted(v) if isinstance(v, list) else v for k, v in believed.items()}}


def _wait_for(lock: int) -> None:
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX)
    except OSError:
        return  # no locks here: of two lessons at once one may be lost, and is learnt again
