"""What was to be changed was changed, as often as it was planned, and nothing else was."""

from typing import Any

import pytest

from schemas.episodes import Change, Kind
from schemas.reasons import Reason
from tasks.quality.checks import check_episode
from tests.tasks.quality.building import LUNA, TOOLSET, build_episode, say, search

METHODS = {"searchPets": "get", "getPet": "put", "findPets": "post"}
DOCUMENT = {
    "paths": {
        f"/{name}": {method: {"operationId": name, "responses": {"200": {"description": "done"}}}}
        for name, method in METHODS.items()
    }
}
API = TOOLSET.model_copy(update={"document": DOCUMENT})
CHANGE: Any = ("getPet", {"pet_id": "pet_4821"}, 200, LUNA)
FAILED: Any = ("getPet", {"pet_id": "pet_4821"}, 503, {})
LISTED: Any = ("findPets", {}, 200, {"pets": [LUNA]})
MADE: Any = ("findPets", {}, 200, LUNA)


@pytest.mark.parametrize(
    ("planned", "steps", "problem"),
    [
        (["searchPets"], [search()], ""),
        (["getPet"], [CHANGE], ""),
        (["searchPets", "getPet"], [search(), FAILED, CHANGE], ""),
        (["getPet", "getPet"], [CHANGE, CHANGE], ""),
        (["getPet"], [FAILED], "getPet was to be called and never succeeded"),
        (["searchPets", "getPet"], [search()], "getPet was to be called and never succeeded"),
        (["getPet", "getPet"], [CHANGE], "getPet was to be called and never succeeded"),
        (["searchPets"], [search(), CHANGE], "getPet changed what nobody asked to be changed"),
        (["getPet"], [CHANGE, CHANGE], "getPet changed what nobody asked to be changed"),
        (["findPets"], [LISTED, LISTED], ""),
        (["searchPets"], [LISTED], ""),
        (["searchPets"], [search(), MADE], "findPets changed what nobody asked to be changed"),
        ([], [CHANGE], ""),  # nobody has planned it
    ],
)
def test_the_changes_are_those_that_were_planned(planned: list[str], steps: list[Any], problem: str) -> None:
    episode = build_episode(*steps, say("There is Luna."))
    instruction = episode.instruction.model_copy(update={"functions": tuple(planned)})
    verdicts = check_episode(episode.model_copy(update={"instruction": instruction}), API)
    (verdict,) = [one for one in verdicts if one.check == Reason.WRONG_END_STATE]
    assert (verdict.keep, verdict.detail) == (not problem, problem)


@pytest.mark.parametrize(
    ("end_state", "keeps"),
    [(None, False), ((), True), ((Change(action="removed", collection="pet", id="pet_4821"),), False)],
)
def test_a_call_that_left_all_as_it_was_has_changed_nothing(end_state: Any, keeps: bool) -> None:
    episode = build_episode(search(), CHANGE, say("There is Luna."))
    instruction = episode.instruction.model_copy(update={"functions": ("searchPets",)})
    played = episode.model_copy(update={"instruction": instruction, "end_state": end_state})
    (verdict,) = [one for one in check_episode(played, API) if one.check == Reason.WRONG_END_STATE]
    assert verdict.keep is keeps


def test_an_episode_without_an_end_or_a_document_is_not_held_to_it() -> None:
    for episode, toolset in [
        (build_episode(search(), end="too_many_steps", kind=Kind.MULTI_CALL), API),
        (build_episode(CHANGE, say("There is Luna.")), TOOLSET),
    ]:
        instruction = episode.instruction.model_copy(update={"functions": ("searchPets",)})
        verdicts = check_episode(episode.model_copy(update={"instruction": instruction}), toolset)
        assert all(one.keep for one in verdicts if one.check == Reason.WRONG_END_STATE)
