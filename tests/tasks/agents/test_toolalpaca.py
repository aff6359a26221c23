"""ToolAlpaca's own test APIs: real documents become toolsets, and the embedded teacher plays them without a fault."""

import pytest

from schemas.catalog import CatalogEntry
from schemas.episodes import Kind
from schemas.parameters import KindShares
from schemas.toolset import Toolset
from tasks.agents import accept_audit, instruct_api, simulate_episodes, toolset_from_document
from tasks.mock import audit_functions
from tasks.openapi import DocumentError, load_document
from tasks.quality import check_episode
from tasks.sources import read_catalog
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.tasks.agents.parts import embedded

FILES = ("toolalpaca_eval_real.json", "toolalpaca_eval_simulated.json")
REJECTED = {"nager-date": "reference loop: #/components/schemas/CountryInfoDto"}
"""A country of that API lists its neighbours, each a whole country again."""


def read_entries() -> list[CatalogEntry]:
    if not SHARED_DATA.is_dir():
        return []
    return [entry for name in FILES for entry in read_catalog(str(SHARED_DATA / name)).entries]


ENTRIES = read_entries()
each_usable_api = pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.id) for entry in ENTRIES if entry.id not in REJECTED]
)


def build(entry: CatalogEntry) -> Toolset:
    assert entry.openapi is not None
    draft = toolset_from_document(entry, load_document(entry.openapi).document)
    return accept_audit(draft, audit_functions(draft))


@needs_shared_data
def test_both_files_load_whole() -> None:
    assert len(ENTRIES) == len({entry.id for entry in ENTRIES}) == 21


@needs_shared_data
@pytest.mark.parametrize("api_id", REJECTED)
def test_a_document_that_cannot_be_used_is_rejected_with_the_true_reason(api_id: str) -> None:
    entry = next(entry for entry in ENTRIES if entry.id == api_id)
    with pytest.raises(DocumentError, match=REJECTED[api_id]):
        build(entry)


@needs_shared_data
@each_usable_api
async def test_every_function_can_be_called_and_every_episode_passes(entry: CatalogEntry) -> None:
    toolset = build(entry)
    assert all(200 <= call.status < 300 for call in toolset.audit if call.good)
    assert {call.function for call in toolset.audit} == {function.name for function in toolset.functions}
    async with embedded() as teacher:
        instructions = (await instruct_api(toolset, 20, KindShares().by_kind(), 0, teacher)).instructions
        episodes = await simulate_episodes(toolset, instructions, 0, teacher, 4)
    assert len(episodes) == 20
    assert {Kind.SINGLE_CALL, Kind.MULTI_CALL} <= {instruction.kind for instruction in instructions}
    failed = [
        (episode.instruction.text, verdict.detail)
        for episode in episodes
        for verdict in check_episode(episode, toolset)
        if not verdict.keep
    ]
    assert failed == []
