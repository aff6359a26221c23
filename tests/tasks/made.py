"""APIs whose artifacts lie in a data root, as the steps of a run leave them, and the rows that they lead to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from tasks.curation import Curated, curate, read_prompt_versions
from tasks.store import build_instance
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
