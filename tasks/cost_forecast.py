"""What a run is likely to take of its teacher, from a sample of its APIs that the embedded teacher plays.

Nothing is sent, written or spent. Prompts and checks are the run's own, only the answers are the grammar's. No Prefect
here.
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from pydantic import Field

from schemas.artifacts import Episodes
from schemas.base import Record, compact_json
from schemas.calls import ROLES, LedgerRow, Usage
from schemas.catalog import CatalogEntry
from schemas.episodes import Episode
from schemas.errors import CutOffError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.teacher import TeacherSettings
from schemas.toolset import Toolset
from tasks.agents.judge import render_judging
from tasks.making import Making
from tasks.openapi import DocumentError
from tasks.side_process import SideProcess
from tasks.steps import JUDGE, SINGLE_SHOT, STEPS, TOOLSET_STEPS, list_steps
from tasks.teacher import Engine, Ledger, Price, Teacher, find_price

C = TypeVar("C", bound=Record)

_CHARACTERS_PER_TOKEN = 4
_VERDICT_TOKENS = 80
"""Two sentences and two words, as JSON."""


class StageForecast(Record):
    """What one stage is likely to take in all; `cost_usd` is None where no price is known."""

    stage: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class Forecast(Record):
    """What a run over `apis` APIs is likely to take, judged by `sampled` of them that came through.

    `price` is that of the run's teacher, `more_prices` are those of the other roles' models, by name. `rows` are the
    instances that it is likely to make, 0 where it makes none. `repeated` is the share of the assistant's prompts that
    an earlier prompt of the API began with: an endpoint with a cache of its own may serve it from there.
    """

    apis: int
    sampled: int
    stages: tuple[StageForecast, ...]
    price: Price | None
    more_prices: dict[str, Price | None] = Field(default_factory=dict)
    rows: int = 0
    repeated: float = 0.0


async def forecast(
    entries: Sequence[CatalogEntry], sample: Sequence[CatalogEntry], params: BuildToolsetParams
) -> Forecast:
    """Play `sample` and scale what it took to all `entries`; an API that comes with a bad document is left out."""
    ledger, played, rows, prompts = Ledger(), 0, 0, _Prompts()
    side = SideProcess(limit_s=params.document_limit_s, limit_mb=params.document_limit_mb)
    async with Teacher(Engine(TeacherSettings()), ledger) as teacher:
        with closing(side):
            for entry in sample:
                try:
                    rows += await _play(entry, params, teacher, ledger, side, prompts)
                except (DocumentError, CutOffError):
                    continue
                played += 1
    scale = len(entries) / max(played, 1)
    stages = tuple(_add_up(step.name, ledger.rows, scale, params) for step in STEPS if step.prompts)
    others = (params.get_settings(role) for role in ROLES)
    return Forecast(
        apis=len(entries),
        sampled=played,
        stages=tuple(stage for stage in stages if stage.calls),
        price=find_price(params.teacher),
        more_prices={one.model: find_price(one) for one in others if one.model != params.teacher.model},
        rows=round(scale * rows),
        repeated=prompts.repeated / prompts.characters if prompts.characters else 0.0,
    )


async def _play(
    entry: CatalogEntry,
    params: BuildToolsetParams,
    teacher: Teacher,
    ledger: Ledger,
    side: SideProcess,
    prompts: "_Prompts",
) -> int:
    """Take all steps of an API that ask the teacher, with what they make kept in memory; how many episodes it has."""
    made: dict[type[Record], Record] = {}

    async def read(kind: type[C], /) -> C:
        content = made[kind]
        assert isinstance(content, kind)
        return content

    making = Making(entry, params, teacher, read, asyncio.to_thread if entry.openapi is None else side.run_apart)
    for step in list_steps(entry, params):
        if step is JUDGE:
            continue  # the embedded teacher is none
        if step in TOOLSET_STEPS or (isinstance(params, BuildDatasetParams) and step.prompts):
            made[step.makes] = (await step.make(making)).content
    toolset, played = made.get(Toolset), made.get(Episodes)
    if not isinstance(toolset, Toolset) or not isinstance(played, Episodes):
        return 0
    prompts.add(toolset, played.episodes)
    for episode in played.episodes:
        for _ in range(making.dataset_params.judges):
            ledger.add(_foresee_judging(episode, toolset))
    return len(played.episodes)


def _foresee_judging(episode: Episode, toolset: Toolset) -> LedgerRow:
    """A row of the ledger as a judge's verdict on an episode is likely to make one."""
    return LedgerRow(
        stage="judge",
        role="judge",
        api_id=toolset.entry.id,
        owner=episode.instruction.id,
        model="",
        prompt_tokens=len(render_judging(episode, toolset)) // _CHARACTERS_PER_TOKEN,
        completion_tokens=_VERDICT_TOKENS,
        cached_tokens=0,
        reasoning_tokens=0,
        cost_usd=None,
        latency_s=0.0,
        attempts=1,
        stored=False,
        finish_reason="stop",
        fingerprint="",
    )


@dataclass
class _Prompts:
    """Characters of the assistant's prompts, and of what an earlier prompt of the same API began with."""

    characters: int = 0
    repeated: int = 0

    def add(self, toolset: Toolset, episodes: Sequence[Episode]) -> None:
        """Those of an API: all have tools and system message in common, and a turn the prompt of the turn before."""
        tools = len(compact_json([function.as_tool() for function in toolset.functions]))
        common = 0
        for episode in episodes:
            lengths = [len(message.model_dump_json(exclude_defaults=True)) for message in episode.trajectory.messages]
            before = common
            for place, message in enumerate(episode.trajectory.messages):
                if message.role == "assistant":
                    prompt = tools + sum(lengths[:place])
                    self.characters += prompt
                    self.repeated += before
                    before = prompt
            common = tools + lengths[0]


def _add_up(stage: str, rows: Sequence[LedgerRow], scale: float, params: BuildToolsetParams) -> StageForecast:
    mine = [row for row in rows if row.stage == stage]
    costs: list[float | None] = []
    for role in ROLES:
        its = [row for row in mine if row.role == role]
        if its:
            settings = params.get_settings(role)
            price = find_price(settings)
            batched = settings.batch and stage in SINGLE_SHOT
            costs.append(None if price is None else price.compute_cost(_add_usage(its, scale), batched=batched))
    usage = _add_usage(mine, scale)
    return StageForecast(
        stage=stage,
        calls=round(scale * len(mine)),
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
    )


def _add_usage(rows: Sequence[LedgerRow], scale: float) -> Usage:
    return Usage(
        prompt=round(scale * sum(row.prompt_tokens for row in rows)),
        completion=round(scale * sum(row.completion_tokens for row in rows)),
    )
