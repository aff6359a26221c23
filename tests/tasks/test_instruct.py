"""The step `instruct`: as many instructions as were asked for, of the kinds that were."""

import pytest

from schemas.episodes import Kind
from schemas.parameters import BuildDatasetParams
from tasks.instruct import choose_instruct_settings, make_instructions
from tests.tasks.agents.parts import ENTRY, embedded, make_toolset
from tests.tasks.parts import make_making


@pytest.mark.parametrize(("count", "kind"), [(1, Kind.SINGLE_CALL), (3, Kind.NO_TOOL)])
async def test_what_is_written_is_counted_and_is_what_was_asked_for(count: int, kind: Kind) -> None:
    shares = {other.value: float(other is kind) for other in Kind}
    async with embedded() as teacher:
        making = make_making(teacher, make_toolset(), entry=ENTRY, instructions=count, shares=shares)
        made = await make_instructions(making)
    assert [(one.api_id, one.kind) for one in made.content.instructions] == [(ENTRY.id, kind)] * count
    assert (made.counts, made.unfinished) == ({"instructions": count}, 0)


async def test_another_seed_asks_for_other_instructions() -> None:
    async with embedded() as teacher:
        texts = [
            [one.text for one in (await make_instructions(making)).content.instructions]
            for seed in (0, 0, 1)
            for making in [make_making(teacher, make_toolset(), entry=ENTRY, instructions=5, seed=seed)]
        ]
    assert texts[0] == texts[1] != texts[2]


def test_what_is_written_depends_on_how_many_of_which_kind_and_on_the_seed() -> None:
    params = BuildDatasetParams.model_validate({"instructions": 7, "seed": 3, "shares": {"no_tool": 0.5}})
    shares = {kind.value: share for kind, share in params.shares.by_kind().items()}
    assert choose_instruct_settings(params) == [7, shares, 3]
    assert set(shares) == set(Kind)
