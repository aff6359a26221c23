"""The task `curate`: all episodes of a run become rows, each with its verdicts.

The rule checks have run API by API (`tasks/checking.py`); what needs all rows is here: near-duplicates and overlap
with benchmarks.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
class _Draft:
    """A row to be: everything of it but the verdicts of the whole."""

    episode: Episode
    toolset: Toolset
    verdicts: list[Verdict]
    ledger: list[LedgerRow]
    recipe: str
    created_at: datetime

    @property
    def accepted(self) -> bool:
        return all(verdict.keep for verdict in self.verdicts)


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
    curated = Curated()
    drafts: list[_Draft] = []
    for outcome in outcomes:
        curated.ledger += outcome.ledger
        if outcome.rejected is not None:
            curated.rejected.append(outcome.rejected)
        drafts += _draft_rows(context, outcome, curated)
    _judge_together(drafts, context.benchmarks)
    versions = read_prompt_versions()
    drafts.reverse()
    while drafts:  # an episode goes as its row comes, so that memory holds one of each, not two
        draft = drafts.pop()
        curated.rows.append(
            build_instance(
                draft.episode,
                draft.toolset,
                draft.verdicts,
                draft.ledger,
                teacher=context.params.teacher.model,
                executor=EXECUTOR,
                recipe_hash=draft.recipe,
                prompt_versions=versions,
                created_at=draft.created_at,
            )
        )
    return curated


def _draft_rows(context: RunContext, outcome: ApiOutcome, curated: Curated) -> list[_Draft]:
    """The drafts of one API; its toolset and ledger go into `curated`."""
    if outcome.toolset is None:
        return []
    held = _read(context, outcome.toolset.ref)
    curated.ledger += [LedgerRow.model_validate(row) for row in held["ledger"]]
    if outcome.instructions is not None:
        written = _read(context, outcome.instructions.ref)
        curated.ledger += [LedgerRow.model_validate(row) for row in written["ledger"]]
    if outcome.rejected is not None or outcome.episodes is None or outcome.verdicts is None:
        return []
    toolset = Toolset.model_validate(held["toolset"])
    curated.toolsets.append(toolset)
    played = _read(context, outcome.episodes.ref)
    verdicts = _read(context, outcome.verdicts)["verdicts"]
    ledger: defaultdict[str, list[LedgerRow]] = defaultdict(list)
    for row in map(LedgerRow.model_validate, played["ledger"]):
        ledger[row.owner].append(row)
        curated.ledger.append(row)
    drafts = []
    for item, judged in zip(played["episodes"], verdicts, strict=True):
        episode = Episode.model_validate(item)
        drafts.append(
            _Draft(
                episode=episode,
                toolset=toolset,
                verdicts=[Verdict.model_validate(verdict) for verdict in judged],
                ledger=ledger[episode.instruction.id],
                recipe=played["recipe"],
                created_at=datetime.fromisoformat(played["created_at"]),
            )
        )
    return drafts


def _judge_together(drafts: Sequence[_Draft], benchmarks: Sequence[str]) -> None:
    """Add to each draft what only the whole can tell.

    Accepted drafts come first, so that one is never turned down for being like another that was turned down anyway.
    """
    ordered = [draft for draft in drafts if draft.accepted] + [draft for draft in drafts if not draft.accepted]
    texts = [draft.episode.instruction.text for draft in ordered]
    twins = {
        place: f"like {ordered[other].episode.instruction.id}"
        for place, other in find_near_duplicates(texts, SIMILARITY).items()
    }
    overlaps = find_overlaps(texts, benchmarks, SIMILARITY) if benchmarks else {}
    for reason, found in ((Reason.NEAR_DUPLICATE, twins), (Reason.BENCHMARK_OVERLAP, overlaps)):
        for place, draft in enumerate(ordered):
            draft.verdicts.append(_decide(reason, found.get(place)))


def _decide(reason: Reason, problem: str | None) -> Verdict:
    if problem is None:
        return Verdict(check=reason.value, keep=True)
    return Verdict(check=reason.value, keep=False, reason=reason, detail=problem[:200])


def _read(context: RunContext, ref: ArtifactRef) -> dict[str, object]:
    payload = context.root.read_artifact(ref)
    if payload is None:
        raise FileNotFoundError(f"{ref.path} is gone from the data root: run again")
    return payload
