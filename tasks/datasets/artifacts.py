"""The artifacts in a data root: `<step>/<api id>/<recipe>.json`. Each is written once; whoever comes second takes it.

A file is one JSON object: `sha256` of all that follows it, `ref`, the contents that it was made from as `inputs`, the
references of all steps before it as `before`; on a line of its own, `payload`.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from schemas.artifacts import Artifact, ArtifactRef
from schemas.base import Record, dump_json
from schemas.errors import MissingArtifactError
from tasks.datasets.root import DataRoot

C = TypeVar("C", bound=Record)

_SAFE_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PAYLOAD_MARK = b', "payload":\n'
_PAYLOAD_END = b"\n}\n"


@dataclass(frozen=True)
class Found:
    """The head of an artifact that is there and whole."""

    ref: ArtifactRef
    inputs: tuple[str, ...]
    before: tuple[ArtifactRef, ...]


def hash_artifact_content(content: Record) -> str:
    """What tells two artifacts' contents apart."""
    return hashlib.sha256(dump_json(content)).hexdigest()[:16]


def write_artifact(
    root: DataRoot,
    step: str,
    api_id: str,
    artifact: Artifact[C],
    *,
    inputs: Sequence[str] = (),
    before: Sequence[ArtifactRef] = (),
    counts: dict[str, int] | None = None,
    unfinished: int = 0,
) -> ArtifactRef:
    """Keep what a step made, or take what another run has made of the same meanwhile.

    What is unfinished gets a name that no later run looks for. Raises ValueError for an id that is no safe file name.
    """
    content = hash_artifact_content(artifact.content)
    name = _name(artifact.recipe, content, unfinished)
    relative = _locate(step, api_id, name)
    ref = ArtifactRef(
        step=step, api_id=api_id, recipe=artifact.recipe, path=relative, content=content,
        counts=dict(counts or {}), unfinished=unfinished,
    )  # fmt: skip
    head = dump_json({"ref": ref, "inputs": list(inputs), "before": list(before)})
    data = _seal(head[1:-1] + _PAYLOAD_MARK + dump_json(artifact) + _PAYLOAD_END)
    if root.write_new_bytes(root.path(relative), data):
        return ref
    found = find_artifact(root, step, api_id, name)
    if found is not None and found.inputs == tuple(inputs):
        return found.ref
    root.write_bytes(root.path(relative), data)  # what lies there is torn, or of other inputs
    return ref


def find_artifact(root: DataRoot, step: str, api_id: str, recipe: str) -> Found | None:
    """An artifact made earlier; None if there is none, or it is torn."""
    read = _read(root, _locate(step, api_id, recipe))
    return None if read is None else read[0]


def remove_artifact(root: DataRoot, ref: ArtifactRef) -> None:
    """Take an artifact away, so that it is made again; nothing, where another run has done so."""
    root.path(ref.path).unlink(missing_ok=True)


def read_artifact(root: DataRoot, ref: ArtifactRef, kind: type[C]) -> Artifact[C]:
    """What a step made.

    Raises:
        MissingArtifactError: it is gone, torn, or not the one that `ref` was made for.
    """
    read = _read(root, ref.path)
    if read is None or read[0].ref.content != ref.content:
        raise MissingArtifactError(f"{ref.path} is missing from the data root or damaged: run again.")
    return Artifact[kind].model_validate(json.loads(read[1]))  # type: ignore[valid-type]


def _read(root: DataRoot, relative: str) -> tuple[Found, bytes] | None:
    """The head of an artifact and its payload's text, as they were written."""
    data = root.read_bytes(root.path(relative))
    if data is None:
        return None
    sealed = data[len(_seal(b"")) :]
    if data != _seal(sealed):
        return None
    head_text, _, rest = sealed.partition(_PAYLOAD_MARK)
    try:
        head: dict[str, Any] = json.loads(b"{" + head_text + b"}")
        body = rest.removesuffix(_PAYLOAD_END)
        ref, inputs = ArtifactRef.model_validate(head["ref"]), tuple(head["inputs"])
        before = tuple(ArtifactRef.model_validate(one) for one in head["before"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    # what a file says of others is no way to whatever lies elsewhere
    is_in_place = ref.path == relative and all(map(_is_in_place, (ref, *before)))
    return (Found(ref, inputs, before), body) if is_in_place and all(isinstance(one, str) for one in inputs) else None


def _is_in_place(ref: ArtifactRef) -> bool:
    """Whether a reference leads to where the artifact that it speaks of lies."""
    try:
        return ref.path == _locate(ref.step, ref.api_id, _name(ref.recipe, ref.content, ref.unfinished))
    except ValueError:
        return False


def _seal(text: bytes) -> bytes:
    return b'{"sha256": "' + hashlib.sha256(text).hexdigest().encode() + b'", ' + text


def _name(recipe: str, content: str, unfinished: int) -> str:
    return recipe if not unfinished else f"{recipe}-{content}"


def _locate(step: str, api_id: str, name: str) -> str:
    """The path relative to the root. Raises ValueError for a part that is no safe file name."""
    for part in (step, api_id, name):
        if not _SAFE_PART.fullmatch(part):
            raise ValueError(f"not safe as a file name: {part!r}")
    return f"{step}/{api_id}/{name}.json"
