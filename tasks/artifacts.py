"""How the steps of an API keep their results in the data root and read one another's."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from schemas.base import dump_json
from schemas.calls import LedgerRow
from schemas.manifest import ArtifactRef, ArtifactStage
from schemas.steps import StepResult
from tasks.context import get_context
from tasks.recipes import make_key


class MissingArtifactError(Exception):
    """A result that a later step needs is gone from the data root; the next run makes it again."""


async def write_step(
    step: str,
    stage: ArtifactStage,
    api_id: str,
    recipe: str,
    content: Mapping[str, BaseModel | Sequence[BaseModel]],
    ledger: Sequence[LedgerRow],
    *,
    extra: Mapping[str, Any] | None = None,
    counts: Mapping[str, int] | None = None,
    unfinished: int = 0,
) -> StepResult:
    """Keep what a step made.

    `content` is what later steps depend on. The ledger's rows and `extra` lie beside it and are not part of
    `StepResult.content`, because clocks and the network have a say in them.
    """
    context = get_context()
    payload = {**content, "recipe": recipe, "ledger": ledger, **(extra or {})}
    ref = await asyncio.to_thread(context.root.write_artifact, stage, api_id, recipe, payload, counts)
    context.made.add(make_key(step, api_id, recipe))
    made = hashlib.sha256(dump_json(content)).hexdigest()[:16]
    return StepResult(ref=ref, content=made, unfinished=unfinished)


async def read_payload(ref: ArtifactRef) -> dict[str, Any]:
    """What an artifact holds.

    Raises:
        MissingArtifactError: it is gone, torn, or not the one that `ref` was made for.
    """
    payload = await asyncio.to_thread(get_context().root.read_artifact, ref)
    if payload is None:
        raise MissingArtifactError(f"{ref.path} is missing from the data root or damaged: run again.")
    return payload
