"""APIs whose artifacts lie in a data root, as the steps of a run leave them, and the rows that they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemas.artifacts import Artifact, ArtifactRef, Episodes, Instructions, Verdicts
from schemas.base import Record
from schemas.calls import LedgerRow
from schemas.catalog import CatalogEntry
from schemas.episodes import Episode, Instruction, Kind, Verdict
from schemas.instance import Instance, RejectedApi
from schemas.parameters import BuildDatasetParams
from schemas.reasons import Reason
from schemas.steps import ApiOutcome
from schemas.toolset import Documentation, DocumentedFunction, Toolset
from tasks.context import RunContext, use_context
from tasks.curation import Curated, curate, read_prompt_versions
from tasks.datasets import build_instance, write_artifact
from tasks.making import Step
from tasks.step_tasks import choose_inputs
from tasks.steps import CHECK, DOCUMENT, INSTRUCT, SIMULATE, SPECIFY
from tests.tasks.datasets.samples import CREATED_AT, build_episode, build_ledger_row, build_toolset
from tests.tasks.parts import make_context

BAD = Verdict(check="placeholders", keep=False, reason=Reason.PLACEHOLDER, detail="city='string'")
GOOD = Verdict(check="placeholders", keep=True)


@dataclass(frozen=True)
class Contents:
    """What the steps of an API make."""

    documentation: Documentation
    toolset: Toolset
    instructions: Instructions
    episodes: Episodes
    verdicts: Verdicts

    @property
    def by_step(self) -> dict[str, Record]:
        """What each step makes, by the step's name."""
        return {
            "document": self.documentation,
            "specify": self.toolset,
            "import": self.toolset,
            "instruct": self.instructions,
            "simulate": self.episodes,
            "check": self.verdicts,
        }


def build_contents(api_id: str, texts: dict[str, str], bad: Sequence[str] = (), world: int = 0) -> Contents:
    """Those of an API with an instruction for each id and text; the checks turn down those in `bad`."""
    toolset = build_toolset(world)
    toolset = toolset.model_copy(update={"entry": toolset.entry.model_copy(update={"id": api_id})})
    asked = [Instruction(id=id, api_id=api_id, kind=Kind.SINGLE_CALL, text=text) for id, text in texts.items()]
    played = [build_episode(Kind.SINGLE_CALL, world).model_copy(update={"instruction": one}) for one in asked]
    return Contents(
        documentation=build_documentation(toolset),
        toolset=toolset,
        instructions=Instructions(instructions=tuple(asked)),
        episodes=Episodes(episodes=tuple(played)),
        verdicts=Verdicts(verdicts=tuple((BAD if one.id in bad else GOOD,) for one in asked)),
    )


def build_documentation(toolset: Toolset) -> Documentation:
    """The documentation that a toolset may have been made of."""
    functions = [DocumentedFunction(name=one.name, description=one.description) for one in toolset.functions]
    return Documentation(introduction=toolset.introduction, functions=tuple(functions))


class Made:
    """APIs whose artifacts lie in a data root, and the rows that they lead to as long as nobody compares them."""

    def __init__(self, folder: Path, **params: Any) -> None:
        self.context: RunContext = make_context(folder, BuildDatasetParams(**params))
        self.outcomes: list[ApiOutcome] = []
        self.rows: list[Instance] = []

    def add_api(self, api_id: str, texts: dict[str, str], bad: Sequence[str] = (), world: int = 0) -> None:
        """An API with an instruction for each id and text; the checks turn down those in `bad`."""
        contents = build_contents(api_id, texts, bad, world)
        spent = [build_ledger_row(id, api_id) for id in texts]
        made = self._write_toolset(contents.toolset)
        self.write(INSTRUCT, contents.instructions, made, [build_ledger_row(api_id, api_id, stage="instruct")])
        self.write(SIMULATE, contents.episodes, made, list(reversed(spent)))
        self.write(CHECK, contents.verdicts, made)
        self.context = replace(self.context, entries={**self.context.entries, api_id: contents.toolset.entry})
        self.outcomes.append(ApiOutcome(api_id=api_id, made=made))
        self.rows += [
            self.build_row(episode, contents.toolset, row, [call])
            for episode, row, call in zip(contents.episodes.episodes, contents.verdicts.verdicts, spent, strict=True)
        ]

    def add_rejected_api(self, api_id: str) -> None:
        """An API whose instructions failed: it has a toolset, and the calls of three stages."""
        entry = CatalogEntry(id=api_id, name=api_id, description="", category="Music")
        self.context = replace(self.context, entries={**self.context.entries, api_id: entry})
        self.outcomes.append(
            ApiOutcome(
                api_id=api_id,
                made=self._write_toolset(build_toolset(3).model_copy(update={"entry": entry})),
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

    def write(
        self, step: Step, content: Record, made: dict[str, ArtifactRef], ledger: Sequence[LedgerRow] = ()
    ) -> None:
        """Keep what a step made of what was `made` before, and add it to that."""
        before = list(made.values())
        (api_id,) = {ref.api_id for ref in before}
        made[step.kind] = self._write(step, api_id, content, before, ledger)

    def _write_toolset(self, toolset: Toolset) -> dict[str, ArtifactRef]:
        api_id = toolset.entry.id
        spent = {stage: [build_ledger_row(api_id, api_id, stage=stage)] for stage in ("document", "specify")}
        made = {DOCUMENT.kind: self._write(DOCUMENT, api_id, build_documentation(toolset), [], spent["document"])}
        self.write(SPECIFY, toolset, made, spent["specify"])
        return made

    def _write(
        self, step: Step, api_id: str, content: Record, before: Sequence[ArtifactRef], ledger: Sequence[LedgerRow]
    ) -> ArtifactRef:
        artifact = Artifact[step.makes](  # type: ignore[name-defined]
            recipe="recipe", made_at=CREATED_AT, content=content, ledger=tuple(ledger)
        )
        inputs = [ref.content for ref in choose_inputs(step, before)]
        return write_artifact(self.context.root, step.name, api_id, artifact, inputs=inputs, before=before)
