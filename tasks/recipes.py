"""Recipe hashes: what an artifact depends on, and so when it may be used again.

A recipe covers the content of what the step reads, its prompts, the teacher's own recipe, the parameters that have a
say, and the code. It does not cover how hard the teacher is asked, nor when.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from prompts import load_prompt
from schemas.artifacts import ArtifactRef
from schemas.base import Json, content_hash
from schemas.calls import Role
from schemas.catalog import CatalogEntry
from tasks.context import RunContext
from tasks.making import Step

_FOLDER = Path(__file__).parent


def compute_recipe(context: RunContext, step: Step, entry: CatalogEntry, inputs: Sequence[ArtifactRef]) -> str:
    """The recipe of one step for one API."""
    return content_hash([_describe(context, step, entry), [ref.content for ref in inputs]])


def compute_way_recipe(context: RunContext, steps: Sequence[Step], entry: CatalogEntry) -> str:
    """The recipe of an API's last step: it covers the whole way, so that nothing need be read to know it."""
    return content_hash([content_hash(entry), [_describe(context, step, entry) for step in steps]])


@cache
def hash_code(*rooms: str, module: str = "") -> str:
    """A hash of all files of folders in `tasks/`, and of one module beside them: the version of what they make."""
    found = sorted(path for room in rooms for path in (_FOLDER / room).rglob("*") if path.is_file())
    files = [path for path in found if "__pycache__" not in path.parts]
    files += [_FOLDER / f"{module}.py"] if module else []
    return content_hash({path.relative_to(_FOLDER).as_posix(): content_hash(path.read_bytes().hex()) for path in files})


def describe_teachers(context: RunContext, roles: Sequence[Role]) -> Json:
    """What depends on who is asked in these roles: one recipe where all are asked in the same way."""
    recipes = {role: context.teacher.recipe(role) for role in roles}
    alike = len({content_hash(recipe) for recipe in recipes.values()}) < 2
    return next(iter(recipes.values()), None) if alike else {role: recipe for role, recipe in recipes.items()}


def _describe(context: RunContext, step: Step, entry: CatalogEntry) -> Json:
    """All that a step depends on, but for what it reads of earlier ones."""
    return {
        "step": step.name,
        "entry": content_hash(entry) if step.reads_entry else None,
        "prompts": {name: load_prompt(name).hash for name in step.prompts},
        "teacher": describe_teachers(context, step.asks),
        "settings": step.settings(context.dataset_params) if step.settings else None,
        "code": hash_code(*step.rooms, module=step.make.__module__.rpartition(".")[2]),
    }
