"""The data root: where artifacts and datasets lie. Nothing else in the program builds a path into it.

A root is a folder or any fsspec URL. On a local disk a file appears under its name only when all of it is durable, and
the name is durable too when the write returns (temporary name, fsync, rename, fsync of the folder); object stores give
that by themselves, as an object appears when its upload ends.
"""

import errno
import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upath import UPath

from schemas.base import dump_json
from schemas.errors import UserError
from schemas.manifest import ArtifactRef, ArtifactStage

ROOT_VARIABLE = "TOOLHERD_DATA_ROOT"
DEFAULT_ROOT = "./data"

_LOCAL_PROTOCOLS = frozenset({"", "file", "local"})
_SAFE_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PAYLOAD_MARK = b', "payload":\n'
_PAYLOAD_END = b"\n}\n"


class DataRoot:
    """A folder or fsspec URL (`./data`, `s3://bucket/prefix`, `gs://…`, `memory://…`) that holds all data.

    Raises UserError if the URL's kind is unknown or the package that speaks it is not installed.
    """

    def __init__(self, url: str) -> None:
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

    @property
    def results(self) -> UPath:
        """The folder of Prefect's results, which are small references to artifacts."""
        return self.path("cache", "results")

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
        if not self.is_local:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return
        make_folder(Path(str(path.parent)))
        temporary = path.parent / f".{path.name[:80]}.{secrets.token_hex(4)}.tmp"
        try:
            with open(str(temporary), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(str(temporary), str(path))
        except BaseException:
            Path(str(temporary)).unlink(missing_ok=True)
            raise
        make_durable(Path(str(path.parent)))

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

    def write_artifact(
        self,
        stage: ArtifactStage,
        api_id: str,
        recipe_hash: str,
        payload: Mapping[str, Any],
        counts: Mapping[str, int] | None = None,
    ) -> ArtifactRef:
        """Keep one API's result of a stage at `<stage>/<api id>/<recipe hash>.json`.

        The file is one JSON object: `sha256` of the payload's text, `counts`, and on a line of its own `payload`.
        """
        body = dump_json(payload)
        digest = hashlib.sha256(body).hexdigest()
        head = json.dumps({"sha256": digest, "counts": dict(counts or {})})[:-1].encode()
        relative = _artifact_path(stage, api_id, recipe_hash)
        self.write_bytes(self.path(relative), head + _PAYLOAD_MARK + body + _PAYLOAD_END)
        return ArtifactRef(stage=stage, api_id=api_id, path=relative, hash=digest, counts=dict(counts or {}))

    def read_artifact(self, ref: ArtifactRef) -> dict[str, Any] | None:
        """The payload that `ref` names; None if it is missing, torn, or not the one that was written."""
        found = self._read_artifact_file(ref.path)
        if found is None or found[0]["sha256"] != ref.hash:
            return None
        payload: dict[str, Any] = json.loads(found[1])
        return payload

    def find_artifact(self, stage: ArtifactStage, api_id: str, recipe_hash: str) -> ArtifactRef | None:
        """The reference to an artifact made earlier; None if there is none, or it is torn."""
        relative = _artifact_path(stage, api_id, recipe_hash)
        found = self._read_artifact_file(relative)
        if found is None:
            return None
        head = found[0]
        return ArtifactRef(stage=stage, api_id=api_id, path=relative, hash=head["sha256"], counts=head["counts"])

    def _read_artifact_file(self, relative: str) -> tuple[dict[str, Any], bytes] | None:
        """The head of an artifact and its payload's text, verified against each other."""
        data = self.read_bytes(self.path(relative))
        if data is None:
            return None
        head_text, _, rest = data.partition(_PAYLOAD_MARK)
        body = rest.removesuffix(_PAYLOAD_END)
        try:
            head: dict[str, Any] = json.loads(head_text + b"}")
        except ValueError:
            return None
        if (
            not rest.endswith(_PAYLOAD_END)
            or head.get("sha256") != hashlib.sha256(body).hexdigest()
            or "counts" not in head
        ):
            return None
        return head, body


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


def _artifact_path(stage: ArtifactStage, api_id: str, recipe_hash: str) -> str:
    """The path relative to the root. Raises ValueError for a part that is no safe file name."""
    for part in (api_id, recipe_hash):
        if not _SAFE_PART.fullmatch(part):
            raise ValueError(f"not safe as a file name: {part!r}")
    return f"{stage}/{api_id}/{recipe_hash}.json"
