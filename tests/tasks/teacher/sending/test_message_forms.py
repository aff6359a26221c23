"""Messages and names in the forms that some endpoints want, and the names back in the answer."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Completion, Usage
from schemas.episodes import ToolCall
from tasks.teacher.sending.message_forms import (
    alternate,
    drop_empty_content,
    is_plain_name,
    list_extra_fields,
    make_plain_names,
    move_system,
    rename_calls,
    rename_tools,
    restore_names,
    shorten_descriptions,
)


def say(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


CALL = {"id": "c", "type": "function", "function": {"name": "get-all", "arguments": "{}"}}
SYSTEM, HI = say("system", "Be kind."), say("user", "Hi")


class TestSystem:
    def test_its_text_goes_to_the_head_of_the_users_first_message(self) -> None:
        assert move_system([SYSTEM, HI, say("assistant", "Yes?")]) == (
            say("user", "Be kind.\n\nHi"),
            say("assistant", "Yes?"),
        )

    def test_without_one_of_text_it_becomes_the_users_first_message(self) -> None:
        assert move_system([SYSTEM]) == (say("user", "Be kind."),)
        parts = say("user", [{"type": "text", "text": "Hi"}])
        assert move_system([SYSTEM, parts]) == (say("user", "Be kind."), parts)

    def test_where_there_is_none_nothing_changes(self) -> None:
        assert move_system([HI]) == (HI,)


class TestTurns:
    def test_neighbours_of_one_role_become_one_with_all_calls(self) -> None:
        calls = say("assistant", "", tool_calls=[CALL])
        messages = [
            SYSTEM,
            HI,
            say("user", "There?"),
            say("assistant", "I look."),
            calls,
            say("tool", "1"),
            say("tool", "2"),
        ]
        assert alternate(messages) == (
            SYSTEM,
            say("user", "Hi\n\nThere?"),
            say("assistant", "I look.", tool_calls=[CALL]),
            say("tool", "1"),
            say("tool", "2"),
        )

    def test_parts_and_text_become_parts(self) -> None:
        part = {"type": "text", "text": "There?"}
        assert alternate([HI, say("user", [part])]) == (say("user", [{"type": "text", "text": "Hi"}, part]),)

    def test_the_user_begins(self) -> None:
        assert [message["role"] for message in alternate([SYSTEM, say("assistant", "Hm")])] == [
            "system",
            "user",
            "assistant",
        ]

    def test_those_who_take_turns_are_left_alone(self) -> None:
        messages = (SYSTEM, HI, say("assistant", "", tool_calls=[CALL]), say("tool", "1"), say("assistant", "So."), HI)
        assert alternate(messages) == messages


class TestFields:
    def test_extra_ones_are_listed_also_those_of_calls(self) -> None:
        message = say("assistant", "", tool_calls=[{**CALL, "sign": "x"}], reasoning_content="hm", thinking="hm")
        assert list_extra_fields([HI, message]) == {"reasoning_content", "thinking", "sign"}

    def test_only_the_empty_content_beside_calls_becomes_null(self) -> None:
        messages = [
            say("user", ""),
            say("assistant", "", tool_calls=[CALL]),
            say("assistant", "I look.", tool_calls=[CALL]),
        ]
        assert [message["content"] for message in drop_empty_content(messages)] == ["", None, "I look."]


def make_tools(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name, "description": "D"}} for name in names]


class TestNames:
    def test_plain_ones_stay_and_others_become_plain(self) -> None:
        names = make_plain_names(make_tools("get", "get-all", "2nd", "get_all"), 64)
        assert (names["get"], names["get_all"], names["2nd"]) == ("get", "get_all", "f_2nd")
        assert names["get-all"].startswith("get_all_")  # the plain one was taken

    @given(st.sets(st.text("ab-._2é", min_size=1, max_size=80), min_size=1, max_size=8), st.integers(16, 64))
    def test_every_name_gets_a_plain_one_of_its_own(self, names: set[str], longest: int) -> None:
        plain = make_plain_names(make_tools(*sorted(names)), longest)
        assert all(is_plain_name(name, longest) for name in plain.values())
        assert len(set(plain.values())) == len(names)

    def test_they_go_out_in_tools_and_messages_and_come_back_in_the_answer(self) -> None:
        names = {"get-all": "get_all", "now": "now"}
        assert [tool["function"]["name"] for tool in rename_tools(make_tools("get-all", "now"), names)] == [
            "get_all",
            "now",
        ]
        (message,) = rename_calls([say("assistant", "", tool_calls=[CALL])], names)
        assert message["tool_calls"] == [{**CALL, "function": {"name": "get_all", "arguments": "{}"}}]
        calls = (ToolCall(id="1", name="get_all", arguments="{}"), ToolCall(id="2", name="other", arguments="{}"))
        answer = Completion(content="", tool_calls=calls, model="m", usage=Usage())
        assert [call.name for call in restore_names(answer, names).tool_calls] == ["get-all", "other"]


def test_long_descriptions_are_cut_at_a_word() -> None:
    tools = [{"function": {"name": "f", "description": "one two three four"}}, {"function": {"name": "g"}}]
    assert shorten_descriptions(tools, 12) == [
        {"function": {"name": "f", "description": "one two…"}},
        {"function": {"name": "g"}},
    ]
    assert shorten_descriptions(tools, 18) == tools
