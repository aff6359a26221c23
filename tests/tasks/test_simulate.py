"""The step `simulate`: what is counted, what is unfinished, and how many episodes go on at a time."""

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.artifacts import Episodes
from schemas.episodes import Episode
from schemas.parameters import BuildDatasetParams
from tasks.making import UNANSWERED, Made
from tasks.simulate import EPISODES_IN_FLIGHT, choose_simulate_settings, make_episodes
from tests.tasks.agents.parts import embedded
from tests.tasks.made import build_contents
from tests.tasks.parts import make_making

CONTENTS = build_contents("boats", {f"boats-{number}": f"Which tides come {number}?" for number in range(3)})


def end(episode: Episode, how: str) -> Episode:
    return episode.model_copy(update={"trajectory": episode.trajectory.model_copy(update={"end": how})})


@pytest.mark.parametrize(
    ("ends", "unfinished"),
    [
        (["response", "response", "response"], 0),
        (["response", "too_many_steps", "response"], 0),
        (["teacher_error", "response", "response"], 1),
        (["teacher_error", "too_many_steps", "teacher_error"], 2),
    ],
)
async def test_an_episode_that_the_teacher_broke_off_is_kept_and_counts_as_unfinished(
    ends: list[str], unfinished: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []
    played = tuple(end(episode, how) for episode, how in zip(CONTENTS.episodes.episodes, ends, strict=True))

    async def simulate(*args: Any) -> Sequence[Episode]:
        asked.append(args)
        return played

    monkeypatch.setattr("tasks.simulate.simulate_episodes", simulate)
    async with embedded() as teacher:
        made = await make_episodes(make_making(teacher, CONTENTS.toolset, CONTENTS.instructions, seed=7))
    assert made == Made(Episodes(episodes=played), {"episodes": 3}, unfinished)
    assert asked == [(CONTENTS.toolset, CONTENTS.instructions.instructions, 7, teacher, EPISODES_IN_FLIGHT, "mock")]


async def test_one_that_ended_because_no_draw_was_an_answer_is_finished_and_counted_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = list(CONTENTS.episodes.episodes)
    trajectory = played[1].trajectory.model_copy(update={"end": "teacher_error", "flaw": "refused"})
    played[1] = played[1].model_copy(update={"trajectory": trajectory})

    async def simulate(*args: Any) -> Sequence[Episode]:
        return tuple(played)

    monkeypatch.setattr("tasks.simulate.simulate_episodes", simulate)
    async with embedded() as teacher:
        made = await make_episodes(make_making(teacher, CONTENTS.toolset, CONTENTS.instructions))
    assert (made.counts, made.unfinished) == ({"episodes": 3, UNANSWERED: 1}, 0)


def test_what_is_played_depends_on_the_seed_and_on_what_answers_calls() -> None:
    assert choose_simulate_settings(BuildDatasetParams(seed=7)) == [7, "mock"]
    assert choose_simulate_settings(BuildDatasetParams(executor="simulated")) == [0, "simulated"]
