"""The task `curate`: what only all episodes of a run together can tell, and the rows that come of it.

The rule checks have run API by API (`tasks/checking.py`); what needs all rows is here: near-duplicates and overlap
with benchmarks. `curate` reads what was asked and keeps a line for each row. The rows themselves are made API by API
when they are written, so that memory does not grow with their number.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from prompts import PROMPTS, load_prompt
from schemas.base import content_hash
from schemas.calls import LedgerRow
from schemas.episodes import Episode, Kind, Verdict
from schemas.instance import Instance
from schemas.manifest import ArtifactRef
from schemas.reasons import Reason
from schemas.steps import ApiOutcome
from schemas.toolset import Toolset
from tasks.context import RunContext, get_context
from tasks.quality import find_near_duplicates, find_overlaps
from tasks.recipes import hash_code
from tasks.simulation import EXECUTOR
from tasks.store import (
    ApiPart,
    Content,
    Outline,
    build_api_row,
    build_instance,
    build_rejected_api_row,
    clean_text,
    collect_reasons,
)

SIMILARITY = 0.8
"""Jaccard similarity of 3-word shingles from which on two instructions are nearly the same."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An instruction, and the verdicts on its own episode that turn it down."""

    id: str
    api_id: str
    kind: Kind
    text: str
    against: tuple[Verdict, ...]


class Curated:
    """The rows that a run leads to, without what they hold. A plain class, so that Prefect does not walk through it.

    `outlines` are sorted by id, `outcomes` by API; `together` holds the verdicts that turn a row down for what other
    rows or a benchmark say, by its id.
    """

    def __init__(
        self, outcomes: Sequence[ApiOutcome], outlines: Sequence[Outline], together: dict[str, tuple[Verdict, ...]]
    ) -> None:
        self.outcomes = outcomes
        self.outlines = outlines
        self.together = together


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
    description="Checks all instructions against one another and the benchmarks, and decides which rows there are.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def curate(outcomes: tuple[ApiOutcome, ...]) -> Curated:
    """What the rows of a run will be."""
    return await asyncio.to_thread(_curate, get_context(), sorted(outcomes, key=lambda outcome: outcome.api_id))


def read_content(context: RunContext, curated: Curated) -> Content:
    """What the dataset is made of; rows and APIs are read from the data root when it is their turn."""
    return Content(curated.outlines, _read_rows(context, curated), _read_apis(context, curated.outcomes))


def _curate(context: RunContext, outcomes: Sequence[ApiOutcome]) -> Curated:
    asked = [item for outcome in outcomes if outcome.rejected is None for item in _read_asked(context, outcome)]
    together = _judge_together(asked, context.benchmarks)
    categories = {o.api_id: clean_text(context.entries[o.api_id].category) for o in outcomes}
    outlines = []
    for item in asked:
        against = (*item.against, *together.get(item.id, ()))
        outlines.append(
            Outline(
                id=item.id,
                api_id=item.api_id,
                category=categories[item.api_id],
                kind=item.kind,
                reasons=collect_reasons(against),
                accepted=not against,
            )
        )
    return Curated(outcomes, sorted(outlines, key=lambda outline: outline.id), together)


def _read_asked(context: RunContext, outcome: ApiOutcome) -> Iterator[_Asked]:
    """What an API's instructions say and what the checks said, in the order of the episodes."""
    assert outcome.instructions is not None
    assert outcome.verdicts is not None
    instructions = _read(context, outcome.instructions.ref)["instructions"]
    for item, row in zip(instructions, _read(context, outcome.verdicts)["verdicts"], strict=True):
        yield _Asked(
            id=item["id"],
            api_id=outcome.api_id,
            kind=Kind(item["kind"]),
            text=item["text"],
            against=tuple(Verdict.model_validate(verdict) for verdict in row if not verdict["keep"]),
        )


def _read_rows(context: RunContext, curated: Curated) -> Iterator[Instance]:
    """All rows by id. An API's ids mostly follow one another; where another's are among them, it is read again."""
    outcomes = {outcome.api_id: outcome for outcome in curated.outcomes}
    for api_id, outlines in groupby(curated.outlines, key=lambda outline: outline.api_id):
        yield from _build_rows(context, outcomes[api_id], [outline.id for outline in outlines], curated.together)


def _build_rows(
    context: RunContext, outcome: ApiOutcome, ids: Sequence[str], together: dict[str, tuple[Verdict, ...]]
) -> Iterator[Instance]:
    """Rows of one API in the order of `ids`."""
    assert outcome.toolset is not None
    assert outcome.episodes is not None
    assert outcome.verdicts is not None
    toolset = Toolset.model_validate(_read(context, outcome.toolset.ref)["toolset"])
    played = _read(context, outcome.episodes.ref)
    judged = _read(context, outcome.verdicts)["verdicts"]
    places = {item["instruction"]["id"]: place for place, item in enumerate(played["episodes"])}
    ledger: defaultdict[str, list[LedgerRow]] = defaultdict(list)
    for row in played["ledger"]:
        ledger[row["owner"]].append(LedgerRow.model_validate(row))
    versions, created_at = read_prompt_versions(), datetime.fromisoformat(played["created_at"])
    for id in ids:
        yield build_instance(
            Episode.model_validate(played["episodes"][places[id]]),
            toolset,
            [*map(Verdict.model_validate, judged[places[id]]), *_complete_verdicts(together.get(id, ()))],
            ledger[id],
            teacher=context.params.teacher.model,
            executor=EXECUTOR,
            recipe_hash=played["recipe"],
            prompt_versions=versions,
            created_at=created_at,
        )


def _read_apis(context: RunContext, outcomes: Sequence[ApiOutcome]) -> Iterator[ApiPart]:
    """All APIs by id, each with all completions that were made for it, by stage and owner."""
    for outcome in outcomes:
        calls = list(outcome.ledger)
        held = None if outcome.toolset is None else _read(context, outcome.toolset.ref)
        steps = (outcome.documentation,) if outcome.rejected else (outcome.instructions, outcome.episodes)
        spent = [held, *(_read(context, step.ref) for step in steps if step is not None)]
        calls += [LedgerRow.model_validate(row) for payload in spent if payload for row in payload["ledger"]]
        calls.sort(key=lambda call: (call.stage, call.owner))
        if outcome.rejected is not None:
            yield ApiPart(build_rejected_api_row(outcome.rejected), calls)
        else:
            assert held is not None
            yield ApiPart(build_api_row(Toolset.model_validate(held["toolset"])), calls)


def _judge_together(asked: Sequence[_Asked], benchmarks: Sequence[str]) -> dict[str, tuple[Verdict, ...]]:
    """The verdicts that turn an instruction down for what others say, by its id.

    Accepted ones come first, so that none is turned down for being like another that was turned down anyway.
    """
    ordered = sorted(asked, key=lambda item: bool(item.against))
    texts = [item.text for item in ordered]
    found: defaultdict[str, tuple[Verdict, ...]] = defaultdict(tuple)
    for place, other in find_near_duplicates(texts, SIMILARITY).items():
        found[ordered[place].id] += (_turn_down(Reason.NEAR_DUPLICATE, f"like {ordered[other].id}"),)
    for place, text in (find_overlaps(texts, benchmarks, SIMILARITY) if benchmarks else {}).items():
        found[ordered[place].id] += (_turn_down(Reason.BENCHMARK_OVERLAP, text),)
    return dict(found)


def _turn_down(reason: Reason, problem: str) -> Verdict:
    return Verdict(check=reason.value, keep=False, reason=reason, detail=problem[:200])


def _complete_verdicts(against: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts of both checks that need all rows: those given, and that the others keep the row."""
    given = {verdict.check: verdict for verdict in against}
    checks = (Reason.NEAR_DUPLICATE.value, Reason.BENCHMARK_OVERLAP.value)
    return [given.get(check, Verdict(check=check, keep=True)) for check in checks]


def _read(context: RunContext, ref: ArtifactRef) -> dict[str, Any]:
    payload = context.root.read_artifact(ref)
    if payload is None:
        raise FileNotFoundError(f"{ref.path} is gone from the data root: run again")
    return payload
