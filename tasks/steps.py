"""The table of steps, in the order in which an API takes them. Walk, recipes and forecast read it.

Adding a step is a module with its function, a row here, and a prompt if it asks the teacher; `docs/steps.md` shows it.
"""

from schemas.artifacts import Episodes, Instructions, Verdicts
from schemas.catalog import CatalogEntry
from schemas.judging import Judgements
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.toolset import Documentation, Toolset
from tasks import instruct, simulate
from tasks.check import make_verdicts
from tasks.document import make_documentation
from tasks.judge import choose_judge_settings, make_judgements
from tasks.making import Step
from tasks.specify import import_toolset, specify_toolset

DOCUMENT = Step(
    name="document",
    description="Writes an API's introduction and describes its functions.",
    makes=Documentation,
    make=make_documentation,
    reads_entry=True,
    prompts=("document", "repair"),
    asks=("teacher",),
    single_shot=True,
    rooms=("agents", "values"),
)
SPECIFY = Step(
    name="specify",
    description="Describes each function of an API, and calls each once well and once badly.",
    makes=Toolset,
    make=specify_toolset,
    reads=(Documentation,),
    reads_entry=True,
    prompts=("specify", "repair"),
    asks=("teacher",),
    single_shot=True,
    rooms=("agents", "mock", "openapi", "values"),
)
IMPORT = Step(
    name="import",
    description="Reads the OpenAPI document that an API came with, and calls each function once well and once badly.",
    makes=Toolset,
    make=import_toolset,
    reads_entry=True,
    rooms=("agents", "mock", "openapi", "values"),
)
INSTRUCT = Step(
    name="instruct",
    description="Writes the instructions that users might give an assistant with this API's functions.",
    makes=Instructions,
    make=instruct.make_instructions,
    reads=(Toolset,),
    prompts=("instruct", "repair"),
    asks=("user",),
    single_shot=True,
    rooms=("agents", "markup", "openapi", "quality", "values"),
    settings=instruct.choose_instruct_settings,
)
SIMULATE = Step(
    name="simulate",
    description="Plays each instruction out between user, assistant and executor.",
    makes=Episodes,
    make=simulate.make_episodes,
    reads=(Toolset, Instructions),
    prompts=("assistant", "repair", "simulator", "user"),
    asks=("assistant", "user", "simulator"),
    rooms=("agents", "executors", "markup", "mock", "openapi", "values"),
    settings=simulate.choose_simulate_settings,
)
CHECK = Step(
    name="check",
    description="Puts the rules to each episode.",
    makes=Verdicts,
    make=make_verdicts,
    reads=(Toolset, Episodes),
    rooms=("markup", "openapi", "quality", "values"),
)

JUDGE = Step(
    name="judge",
    description="Has a model grade the process and the response of each episode that the rules keep.",
    makes=Judgements,
    make=make_judgements,
    reads=(Toolset, Episodes, Verdicts),
    prompts=("judge", "repair"),
    asks=("judge",),
    rooms=("agents",),
    settings=choose_judge_settings,
)

STEPS = (DOCUMENT, SPECIFY, IMPORT, INSTRUCT, SIMULATE, CHECK, JUDGE)
TOOLSET_STEPS = (DOCUMENT, SPECIFY, IMPORT)
"""Those of an API's way to a toolset; the others make a dataset of it."""
SINGLE_SHOT = frozenset(step.name for step in STEPS if step.single_shot)


def list_steps(entry: CatalogEntry, params: BuildToolsetParams) -> tuple[Step, ...]:
    """The steps of an API: one that comes with a document need not be specified, and not every run has judges."""
    others = {IMPORT} if entry.openapi is None else {DOCUMENT, SPECIFY}
    if not (isinstance(params, BuildDatasetParams) and params.judges):
        others.add(JUDGE)
    return tuple(step for step in STEPS if step not in others)
