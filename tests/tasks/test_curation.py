"""From the artifacts of several APIs to the rows of a dataset: what is judged together, in which order rows come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import LedgerRow
from schemas.catalog import CatalogEntry
from schemas.episodes import Episode, Instruction, Kind, Verdict
from schemas.instance import Instance, RejectedApi
from schemas.manifest import ArtifactRef, ArtifactStage
from schemas.parameters import BuildDatasetParams
from schemas.reasons import Reason
from schemas.steps import ApiOutcome, StepResult
from schemas.toolset import Toolset
from tasks.context import RunContext, use_context
from tasks.curation import Curated, curate, read_content, read_prompt_versions
from tasks.publishing import publish
from tasks.store import build_api_row, build_instance, content_hash_of_rows, read_table
from tests.tasks.parts import make_context
from tests.tasks.store.samples import CREATED_AT, build_episode, build_ledger_row, build_toolset

BAD = Verdict(check="placeholders", keep=False, reason=Reason.PLACEHOLDER, detail="city='string'")
GOOD = Verdict(check="placeholders", keep=True)


class Made:
    """APIs whose artifacts lie in a data root, and the rows that they lead to as long as nobody compares them."""

    def __init__(self, folder: Path, **params: Any) -> None:
        self.context: RunContext = make_context(folder, BuildDatasetParams(**params))
        self.outcomes: list[ApiOutcome] = []
        self.rows: list[Instance] = []

    def add_api(self, api_id: str, texts: dict[str, str], bad: Sequence[str] = (), world: int = 0) -> None:
        """An API with an instruction for each id and text; the checks turn down those in `bad`."""
        toolset = build_toolset(world)
        toolset = toolset.model_copy(update={"entry": toolset.entry.model_copy(update={"id": api_id})})
        episodes = [build_episode(Kind.SINGLE_CALL, world) for _ in texts]
        asked = [Instruction(id=id, api_id=api_id, kind=Kind.SINGLE_CALL, text=text) for id, text in texts.items()]
        played = [
            one.model_copy(update={"instruction": instruction})
            for one, instruction in zip(episodes, asked, strict=True)
        ]
        verdicts = [[BAD if instruction.id in bad else GOOD] for instruction in asked]
        kept = [[one.model_dump(mode="json", exclude_defaults=True) for one in row] for row in verdicts]
        spent = [build_ledger_row(instruction.id, api_id) for instruction in asked]
        self.context.entries[api_id] = toolset.entry
        self.outcomes.append(
            ApiOutcome(
                api_id=api_id,
                toolset=self._write_toolset(toolset),
                instructions=self._write("instructions", api_id, {
                    "instructions": [one.model_dump(mode="json") for one in asked],
                    "ledger": [build_ledger_row(api_id, api_id, stage="instruct").model_dump(mode="json")],
                }),
                episodes=self._write("episodes", api_id, {
                    "episodes": [one.model_dump(mode="json") for one in played],
                    "ledger": [row.model_dump(mode="json") for row in reversed(spent)],
                    "recipe": "recipe", "created_at": CREATED_AT.isoformat(),
                }),
                verdicts=self._write("verdicts", api_id, {"verdicts": kept}).ref,
            )
        )  # fmt: skip
        self.rows += [
            self.build_row(episode, toolset, row, [call])
            for episode, row, call in zip(played, verdicts, spent, strict=True)
        ]

    def add_rejected_api(self, api_id: str) -> None:
        """An API whose instructions failed: it has a toolset, and the calls of two stages."""
        toolset = build_toolset(3)
        entry = CatalogEntry(id=api_id, name=api_id, description="", category="Music")
        toolset = toolset.model_copy(update={"entry": entry})
        self.context.entries[api_id] = entry
        self.outcomes.append(
            ApiOutcome(
                api_id=api_id,
                toolset=self._write_toolset(toolset),
                rejected=RejectedApi(entry=entry, stage="instruct", problems=("no answer",)),
                ledger=(build_ledger_row(api_id, api_id, stage="instruct"),),
            )
        )

    def build_row(
        self, episode: Episode, toolset: Toolset, verdicts: Sequence[Verdict], calls: Sequence[LedgerRow]
    ) -> Instance:
        """The row of an episode; no other row is like it."""
        together = [Verdict(check=check, keep=True) for check in ("near_duplicate", "benchmark_overlap")]
        return build_instance(
            episode, toolset, [*verdicts, *together], calls, teacher="offline", executor="mock", recipe_hash="recipe",
            prompt_versions=read_prompt_versions(), created_at=CREATED_AT,
        )  # fmt: skip

    async def curate(self) -> Curated:
        """What the task makes of it."""
        with use_context(self.context):
            return await curate.fn(tuple(self.outcomes))

    def _write_toolset(self, toolset: Toolset) -> StepResult:
        ledger = [
            build_ledger_row(toolset.entry.id, toolset.entry.id, stage=stage) for stage in ("document", "specify")
        ]
        return self._write("toolset", toolset.entry.id, {
            "toolset": toolset.model_dump(mode="json"), "ledger": [row.model_dump(mode="json") for row in ledger],
        })  # fmt: skip

    def _write(self, stage: ArtifactStage, api_id: str, payload: dict[str, Any]) -> StepResult:
        ref: ArtifactRef = self.context.root.write_artifact(stage, api_id, "recipe", payload)
        return StepResult(ref=ref, content=ref.hash)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Three APIs, of which two have ids that lie among one another's, and one that was rejected."""
    made = Made(tmp_path, test_share=0.4)
    made.add_api("b", {"b-001": "Where can I hire a boat in Bergen?", "b-002": "Is there a ferry on Sundays?"}, world=1)
    made.add_rejected_api("c")
    made.add_api("a-1", {"a-1-001": "Name a museum in Lisbon.", "a-1-002": "Which tides come first?"}, ["a-1-002"])
    made.add_api("a", {"a-099": "How high is the water in Cork?", "a-100": "Give me a recipe with mole."}, world=2)
    return made


async def test_rows_come_by_id_also_where_the_ids_of_two_apis_lie_among_one_another(made: Made) -> None:
    curated = await made.curate()
    rows = list(read_content(made.context, curated).rows)
    assert [row.id for row in rows] == ["a-099", "a-1-001", "a-1-002", "a-100", "b-001", "b-002"]
    assert rows == sorted(made.rows, key=lambda row: row.id)


async def test_outlines_say_of_each_row_what_the_row_itself_says(made: Made) -> None:
    made.add_api("d", {"d-001": "is there a FERRY on Sundays"}, world=3)
    curated = await made.curate()
    rows = list(read_content(made.context, curated).rows)
    assert [(o.id, o.api_id, o.category, o.kind, o.reasons, o.accepted) for o in curated.outlines] == [
        (row.id, row.api_id, row.category, row.kind, row.reasons, row.accepted) for row in rows
    ]
    assert {row.id: row.reasons for row in rows if not row.accepted} == {
        "a-1-002": (Reason.PLACEHOLDER,),
        "d-001": (Reason.NEAR_DUPLICATE,),
    }


async def test_no_row_is_turned_down_for_being_like_one_that_was_turned_down_anyway(tmp_path: Path) -> None:
    made = Made(tmp_path)
    text = "How high is the water in Cork?"
    made.add_api("a", {"a-001": text}, bad=["a-001"])
    made.add_api("b", {"b-001": text})
    made.add_api("c", {"c-001": text})
    made.context.benchmarks = ("Nothing like it at all", text)
    rows = {row.id: row for row in read_content(made.context, await made.curate()).rows}
    assert rows["b-001"].reasons == (Reason.BENCHMARK_OVERLAP,)
    assert rows["a-001"].reasons == (Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE, Reason.BENCHMARK_OVERLAP)
    assert (
        '"check":"near_duplicate","keep":false,"reason":"near_duplicate","detail":"like b-001"' in rows["c-001"].checks
    )
    assert f'"reason":"benchmark_overlap","detail":"{text}"' in rows["c-001"].checks


async def test_apis_come_by_id_each_with_its_calls_by_stage_and_owner(made: Made) -> None:
    curated = await made.curate()
    apis = list(read_content(made.context, curated).apis)
    assert [(api.row.api_id, api.row.accepted) for api in apis] == [
        ("a", True),
        ("a-1", True),
        ("b", True),
        ("c", False),
    ]
    assert [(call.stage, call.owner) for call in apis[2].calls] == [
        ("document", "b"), ("instruct", "b"), ("simulate", "b-001"), ("simulate", "b-002"), ("specify", "b"),
    ]  # fmt: skip
    assert [(call.stage, call.owner) for call in apis[3].calls] == [
        ("document", "c"),
        ("instruct", "c"),
        ("specify", "c"),
    ]
    toolset = build_toolset(1)
    expected = build_api_row(toolset.model_copy(update={"entry": toolset.entry.model_copy(update={"id": "b"})}))
    assert apis[2].row == expected


async def test_what_is_published_has_the_hashes_of_rows_that_were_built_in_memory(made: Made) -> None:
    with use_context(made.context):
        published = await publish.fn(await made.curate(), "recipe")
        again = await publish.fn(await made.curate(), "another recipe")
    folder = made.context.root.path("datasets", "toolherd", "v1")
    test = list(read_table(folder / "test.parquet", Instance))
    assert len({row.api_id for row in test}) == 1
    train = [row for row in made.rows if row.accepted and row.api_id != test[0].api_id]
    assert published.dataset.content_hash == content_hash_of_rows(train)
    assert (published.accepted, published.rejected, published.reasons) == (5, 1, {"placeholder": 1})
    assert published.changed
    assert (again.changed, again.dataset) == (False, published.dataset)
    assert {path.name for path in folder.parent.iterdir()} == {"v1", "latest"}
