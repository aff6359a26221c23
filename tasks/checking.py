"""Runs the rule checks over one API's episodes and keeps the verdicts. No Prefect here.

Verdicts are an artifact like any other, so that a run that finds an API's episodes unchanged does not judge them
again; an edit of the checks' code makes all of them anew.
"""

from schemas.base import content_hash
from schemas.episodes import Episode, Verdict
from schemas.manifest import ArtifactRef
from schemas.steps import StepResult
from schemas.toolset import Toolset
from tasks.quality import check_episode
from tasks.store import DataRoot


def check_api(root: DataRoot, toolset: StepResult, episodes: StepResult, code: str) -> ArtifactRef:
    """The verdicts of an API's episodes, made now or earlier by the same `code` (a hash of it).

    The payload's `verdicts` are a list for each episode, in their order; counted are `accepted` and `rejected`.
    """
    api_id = episodes.ref.api_id
    recipe = content_hash([toolset.content, episodes.content, code])
    found = root.find_artifact("verdicts", api_id, recipe)
    if found is not None:
        return found
    held, played = root.read_artifact(toolset.ref), root.read_artifact(episodes.ref)
    if held is None or played is None:
        raise FileNotFoundError(f"{toolset.ref.path} or {episodes.ref.path} is gone from the data root: run again")
    tools = Toolset.model_validate(held["toolset"])
    verdicts = [check_episode(Episode.model_validate(episode), tools) for episode in played["episodes"]]
    accepted = sum(all(verdict.keep for verdict in row) for row in verdicts)
    payload = {"verdicts": [[_dump(verdict) for verdict in row] for row in verdicts]}
    counts = {"accepted": accepted, "rejected": len(verdicts) - accepted}
    return root.write_artifact("verdicts", api_id, recipe, payload, counts)


def _dump(verdict: Verdict) -> dict[str, object]:
    return verdict.model_dump(mode="json", exclude_defaults=True)
