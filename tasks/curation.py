"""The task `curate`: all episodes of a run become rows, each with its verdicts.

The rule checks have run API by API (`tasks/checking.py`); what needs all rows is here: near-duplicates and overlap
with benchmarks.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from prompts import PROMPTS, load_prompt
from schemas.base import content_hash
from schemas.calls import LedgerRow
from schemas.episodes import Episode, Verdict
from schemas.instance import Instance, RejectedApi
from schemas.manifest import ArtifactRef
from schemas.reasons import Reason
from schemas.steps import ApiOutcome
from schemas.toolset import Toolset
from tasks.context import RunContext, get_context
from tasks.quality import find_near_duplicates, find_overlaps
from tasks.recipes import hash_code
from tasks.simulation import EXECUTOR
from tasks.store import build_instance

SIMILARITY = 0.8
"""Jaccard similarity of 3-word shingles from which on two instructions are nearly the same."""


class Curated:
    """The rows of a run, and what they came from. A plain class, so that Prefect does not walk through its rows."""

    def __init__(self) -> None:
        self.rows: list[Instance] = []
        self.toolsets: list[Toolset] = []
        self.rejected: list[RejectedApi] = []
        self.ledger: list[LedgerRow] = []


@dataclass
class _Judged:
    """An instruction and what the checks said of its episode, a list of verdicts as they are kept."""

    id: str
    text: str
    verdicts: list[dict[str, Any]]

    @property
    def accepted(self) -> bool:
        return all(verdict["keep"] for verdict in self.verdicts)


def read_prompt_versions() -> dict[str, str]:
    """Each prompt's version and the hash of its file, as `3-0a1b2c3d`."""
    prompts = [load_prompt(name) for name in PROMPTS]
    return {prompt.name: f"{prompt.version}-{prompt.hash[:8]}" for prompt in prompts}


def compute_dataset_recipe(outcomes: Sequence[ApiOutcome]) -> str:
    """A hash of all that a dataset depends on: equal hashes mean equal datasets."""
    context = get_context()
    params = context.dataset_params
    apis = {
        outcome.api_id: [
            outcome.toolset.content if outcome.toolset else "",
            outcome.episodes.content if outcome.episodes else "",
            outcome.episodes.ref.path if outcome.episodes else "",
            content_hash(outcome.rejected) if outcome.rejected else "",
        ]
        for outcome in outcomes
    }
    return content_hash(
        {
            "apis": apis,
            "code": hash_code("quality", "openapi", "store"),
            "prompts": read_prompt_versions(),
            "teacher": context.teacher.recipe(),
            "split": [params.test_share, params.seed],
            "similarity": SIMILARITY,
            "benchmarks": content_hash(list(context.benchmarks)),
        }
    )


@task(
    name="curate",
    description="Checks all episodes against one another and the benchmarks, and makes rows of them.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def curate(outcomes: tuple[ApiOutcome, ...]) -> Curated:
    """The rows of a run, ordered by API and instruction."""
    return await asyncio.to_thread(_curate, get_context(), sorted(outcomes, key=lambda outcome: outcome.api_id))


def _curate(context: RunContext, outcomes: Sequence[ApiOutcome]) -> Curated:
    """Two passes, what was asked and what followed, so that memory holds the episodes of one API at a time."""
    judged = {o.api_id: _read_judged(context, o) for o in outcomes if o.rejected is None}
    together = _judge_together([item for items in judged.values() for item in items], context.benchmarks)
    curated = Curated()
    for outcome in outcomes:
        curated.ledger += outcome.ledger
        if outcome.rejected is not None:
            curated.rejected.append(outcome.rejected)
            if outcome.toolset is not None:
                held = _read(context, outcome.toolset.ref)
                curated.ledger += [LedgerRow.model_validate(row) for row in held["ledger"]]
            continue
        _add_rows(context, outcome, judged.pop(outcome.api_id), together, curated)
    return curated


def _read_judged(context: RunContext, outcome: ApiOutcome) -> list[_Judged]:
    """What an API's instructions say and what the checks said, in the order of the episodes."""
    assert outcome.instructions is not None
    assert outcome.verdicts is not None
    instructions = _read(context, outcome.instructions.ref)["instructions"]
    verdicts = _read(context, outcome.verdicts)["verdicts"]
    return [_Judged(item["id"], item["text"], row) for item, row in zip(instructions, verdicts, strict=True)]


def _add_rows(
    context: RunContext,
    outcome: ApiOutcome,
    judged: Sequence[_Judged],
    together: Mapping[str, list[Verdict]],
    curated: Curated,
) -> None:
    """Add the rows of one API, its toolset and its ledger to `curated`."""
    assert outcome.toolset is not None
    assert outcome.instructions is not None
    assert outcome.episodes is not None
    held, played = _read(context, outcome.toolset.ref), _read(context, outcome.episodes.ref)
    toolset = Toolset.model_validate(held["toolset"])
    spent = [LedgerRow.model_validate(row) for row in played["ledger"]]
    ledger: defaultdict[str, list[LedgerRow]] = defaultdict(list)
    for row in spent:
        ledger[row.owner].append(row)
    versions, created_at = read_prompt_versions(), datetime.fromisoformat(played["created_at"])
    for item, one in zip(played["episodes"], judged, strict=True):
        verdicts = [*map(Verdict.model_validate, one.verdicts), *together[one.id]]
        curated.rows.append(
            build_instance(
                Episode.model_validate(item),
                toolset,
                verdicts,
                ledger[one.id],
                teacher=context.params.teacher.model,
                executor=EXECUTOR,
                recipe_hash=played["recipe"],
                prompt_versions=versions,
                created_at=created_at,
            )
        )
    asked = _read(context, outcome.instructions.ref)["ledger"]
    curated.ledger += [LedgerRow.model_validate(row) for row in [*held["ledger"], *asked]]
    curated.ledger += spent
    curated.toolsets.append(toolset)


def _judge_together(judged: Sequence[_Judged], benchmarks: Sequence[str]) -> dict[str, list[Verdict]]:
    """What only the whole can tell, by instruction.

    Accepted ones come first, so that none is turned down for being like another that was turned down anyway.
    """
    ordered = sorted(judged, key=lambda item: not item.accepted)
    texts = [item.text for item in ordered]
    twins = {place: f"like {ordered[other].id}" for place, other in find_near_duplicates(texts, SIMILARITY).items()}
    overlaps = find_overlaps(texts, benchmarks, SIMILARITY) if benchmarks else {}
    return {
        item.id: [
            _decide(Reason.NEAR_DUPLICATE, twins.get(place)),
            _decide(Reason.BENCHMARK_OVERLAP, overlaps.get(place)),
        ]
        for place, item in enumerate(ordered)
    }


def _decide(reason: Reason, problem: str | None) -> Verdict:
    if problem is None:
        return Verdict(check=reason.value, keep=True)
    return Verdict(check=reason.value, keep=False, reason=reason, detail=problem[:200])


def _read(context: RunContext, ref: ArtifactRef) -> dict[str, Any]:
    payload = context.root.read_artifact(ref)
    if payload is None:
        raise FileNotFoundError(f"{ref.path} is gone from the data root: run again")
    return payload
