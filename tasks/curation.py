"""The task `curate`: what only all episodes of a run together can tell, and the rows that come of it.

The rule checks have run API by API (the step `check`); what needs all rows is here: near-duplicates and overlap
with benchmarks. `curate` reads what was asked and keeps a line for each row. The rows themselves are made API by API
when they are written, so that memory does not grow with their number.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

from prompts import PROMPTS, load_prompt
from schemas.artifacts import Artifact, Episodes, Instructions, Verdicts
from schemas.base import Record, content_hash
from schemas.calls import ROLES, LedgerRow
from schemas.episodes import Kind, Verdict
from schemas.instance import Instance
from schemas.judging import Judgements, Vote, read_verdicts
from schemas.reasons import Reason
from schemas.steps import ApiOutcome
from schemas.toolset import Toolset
from tasks.context import RunContext, get_context
from tasks.datasets import (
    ApiPart,
    Content,
    Outline,
    build_api_row,
    build_instance,
    build_rejected_api_row,
    clean_text,
    collect_reasons,
    read_artifact,
)
from tasks.quality import find_near_duplicates, find_overlaps
from tasks.recipes import describe_teachers, hash_code
from tasks.steps import STEPS

C = TypeVar("C", bound=Record)

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
    """Each prompt's version and the hash of its file, as `3-0a1b2c3d`; those of the user's begin with `custom-`."""
    return {name: load_prompt(name).label for name in PROMPTS}


def compute_dataset_recipe(outcomes: Sequence[ApiOutcome]) -> str:
    """A hash of all that a dataset depends on: equal hashes mean equal datasets."""
    context = get_context()
    params = context.dataset_params
    apis = {
        outcome.api_id: [
            outcome.made["toolset"].content if "toolset" in outcome.made else "",
            outcome.made["episodes"].content if "episodes" in outcome.made else "",
            outcome.made["episodes"].recipe if "episodes" in outcome.made else "",
            *([outcome.made["judgements"].content] if "judgements" in outcome.made else []),
            content_hash(outcome.rejected) if outcome.rejected else "",
        ]
        for outcome in outcomes
    }
    return content_hash(
        {
            "apis": apis,
            "code": hash_code("quality", "markup", "openapi", "datasets"),
            "prompts": read_prompt_versions(),
            "teacher": describe_teachers(context, ROLES),
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
    asked = _read(context, outcome, Instructions).content.instructions
    checked, votes = _read(context, outcome, Verdicts).content.verdicts, _read_votes(context, outcome, len(asked))
    for item, row, given in zip(asked, checked, votes, strict=True):
        yield _Asked(
            id=item.id,
            api_id=outcome.api_id,
            kind=item.kind,
            text=item.text,
            against=tuple(verdict for verdict in (*row, *read_verdicts(given)) if not verdict.keep),
        )


def _read_votes(context: RunContext, outcome: ApiOutcome, count: int) -> Sequence[tuple[Vote, ...]]:
    """The judges' votes on each of `count` episodes; none of any where no judge was asked."""
    if "judgements" not in outcome.made:
        return [()] * count
    return _read(context, outcome, Judgements).content.votes


def _read_rows(context: RunContext, curated: Curated) -> Iterator[Instance]:
    """All rows by id. An API's ids mostly follow one another; where another's are among them, it is read again."""
    outcomes = {outcome.api_id: outcome for outcome in curated.outcomes}
    for api_id, outlines in groupby(curated.outlines, key=lambda outline: outline.api_id):
        yield from _build_rows(context, outcomes[api_id], [outline.id for outline in outlines], curated.together)


def _build_rows(
    context: RunContext, outcome: ApiOutcome, ids: Sequence[str], together: dict[str, tuple[Verdict, ...]]
) -> Iterator[Instance]:
    """Rows of one API in the order of `ids`."""
    toolset = _read(context, outcome, Toolset).content
    played = _read(context, outcome, Episodes)
    checked = _read(context, outcome, Verdicts).content.verdicts
    votes = _read_votes(context, outcome, len(checked))
    places = {episode.instruction.id: place for place, episode in enumerate(played.content.episodes)}
    ledger: defaultdict[str, list[LedgerRow]] = defaultdict(list)
    judged = _read(context, outcome, Judgements).ledger if "judgements" in outcome.made else ()
    for row in (*played.ledger, *judged):
        ledger[row.owner].append(row)
    versions = read_prompt_versions()
    for id in ids:
        yield build_instance(
            played.content.episodes[places[id]],
            toolset,
            [
                *checked[places[id]],
                *read_verdicts(votes[places[id]]),
                *_complete_verdicts(together.get(id, ())),
            ],
            ledger[id],
            votes[places[id]],
            teacher=context.params.assistant.model,
            executor=context.dataset_params.executor,
            recipe_hash=played.recipe,
            prompt_versions=versions,
            created_at=played.made_at,
        )


def _read_apis(context: RunContext, outcomes: Sequence[ApiOutcome]) -> Iterator[ApiPart]:
    """All APIs by id, each with all completions that were made for it, by stage and owner."""
    for outcome in outcomes:
        kinds = {step.kind: step.makes for step in STEPS}
        made = {kind: _read(context, outcome, kinds[kind]) for kind in outcome.made}
        calls = [*outcome.ledger, *(row for artifact in made.values() for row in artifact.ledger)]
        calls.sort(key=lambda call: (call.stage, call.owner))
        if outcome.rejected is not None:
            yield ApiPart(build_rejected_api_row(outcome.rejected), calls)
        else:
            toolset = made["toolset"].content
            assert isinstance(toolset, Toolset)
            yield ApiPart(build_api_row(toolset), calls)


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


def _read(context: RunContext, outcome: ApiOutcome, kind: type[C]) -> Artifact[C]:
    """What was made for an API, by the type of its content. Raises MissingArtifactError, RunStoppedError."""
    context.require_going_on()
    return read_artifact(context.root, outcome.made[kind.__name__.lower()], kind)
