"""Trajectories: which message is the final response."""

from typing import Literal

import pytest

from schemas.episodes import Message, Trajectory

ASKED = (Message(role="system", content="You help."), Message(role="user", content="Find pets."))


def test_the_response_is_the_assistants_last_word() -> None:
    messages = (*ASKED, Message(role="assistant", content="There are none."))
    assert Trajectory(messages=messages, end="response").response == "There are none."


@pytest.mark.parametrize("end", ["too_many_steps", "teacher_error"])
def test_an_episode_that_was_broken_off_has_none(end: Literal["too_many_steps", "teacher_error"]) -> None:
    messages = (*ASKED, Message(role="assistant", content="I look."))
    assert Trajectory(messages=messages, end=end).response == ""


def test_what_the_user_says_last_is_none() -> None:
    assert Trajectory(messages=ASKED, end="response").response == ""
