"""Thoughts leave a text in whatever spelling they have, and nothing else does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.markup.thoughts import strip_thoughts
from tests.growth import grows_in_step


@pytest.mark.parametrize(
    "text",
    [
        "<think>\nHm\n</think>\n\nHello.",
        "<thinking>Hm</thinking>Hello.",
        "<thought>Hm</thought>Hello.",
        "<reasoning>Hm</reasoning>\nHello.",
        "<reflection>Hm</reflection>Hello.",
        "<Think>Hm</Think>Hello.",
        "<seed:think>Hm</seed:think>Hello.",
        "[THINK]The user wants data.[/THINK]Hello.",
        "<|START_THINKING|>Hm<|END_THINKING|><|START_RESPONSE|>Hello.<|END_RESPONSE|>",
        "<|begin_of_thought|>Hm<|end_of_thought|>\n<|begin_of_solution|>Hello.<|end_of_solution|>",
        "<think>Hm</think><answer>\nHello.\n</answer>",
        "<|channel>thought\nHm<channel|>Hello.",
        "◁think▷Hm◁/think▷Hello.",
        "Here is my thought process:\nHm\n\nHere is my response:\nHello.",
        "Here's my thought process: Hm. Here's my response: Hello.",
        "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|return|>",
        "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Hello.",
        "<|start|>assistant<|channel|>final<|message|>Hello.<|return|>",
        "Hm\n</think>Hello.",
        "Hm[/THINK]Hello.",
        "Hello.\n<think>Hm",
        "Hello.<reasoning>Hm",
    ],
)
def test_what_is_said_is_left(text: str) -> None:
    assert strip_thoughts(text) == "Hello."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>Hm", ""),
        ("[THINK]Hm", ""),
        ("<|channel|>analysis<|message|>Hm", ""),
        ("Here is my thought process: Hm", ""),
        ("<think>a</thinking>b</think>Hello.", "Hello."),
        ("One <think>a</think>two <thought>b</thought>three", "One two three"),
        ("<|channel|>commentary<|message|>I look.<|end|><|channel|>final<|message|>Hello.", "I look.\nHello."),
    ],
)
def test_so_it_is_where_they_stand_otherwise(text: str, left: str) -> None:
    assert strip_thoughts(text) == left


def test_a_call_in_a_channel_is_no_thought() -> None:
    call = '<|channel|>commentary to=functions.find <|constrain|>json<|message|>{"a": 1}<|call|>'
    assert strip_thoughts(f"<|channel|>analysis<|message|>Hm<|end|><|start|>assistant{call}").endswith(call)


@pytest.mark.parametrize(
    "text",
    [
        " think of <b>me</b> ",
        "I reason that [think] is a word.",
        "Here is my response: Hello.",
        "They wrote: Here is my thought process: Hm",
        "<answer>Hello.</answer>",
        "<rethink>Hm</rethink>",
        "",
    ],
)
def test_a_text_without_thoughts_is_not_touched(text: str) -> None:
    assert strip_thoughts(text) == text


TAGS = ("<think>", "</think>", "<thinking>", "</thinking>", "<thi", "nk>", "<", ">", "a", " ", "\n")


def strip_simply(text: str) -> str:
    """`strip_thoughts` as it says itself, in three patterns, which take long on many tags."""
    if "<think" not in text and "</think" not in text:
        return text
    text = re.sub(r"(?s)<(think(?:ing)?)>.*?</\1>", "", text)
    return re.sub(r"(?s)<think(?:ing)?>.*$", "", re.sub(r"(?s)^.*</think(?:ing)?>", "", text)).strip()


@given(st.lists(st.sampled_from(TAGS), max_size=14).map("".join))
def test_thoughts_are_found_as_three_patterns_find_them(text: str) -> None:
    assert strip_thoughts(text) == strip_simply(text)


@pytest.mark.parametrize(
    "part",
    ["<think>", "<think></thinking>", "<think>a</think>", "</think>", "<think><thinking>", "[THINK]", "<|channel|>a",
     "<|channel|>analysis<|message|>", "<|channel|>final<|message|>a", "Here is my thought process:", "<|channel>"],
)  # fmt: skip
def test_ten_times_as_many_tags_take_about_ten_times_as_long(part: str) -> None:
    assert grows_in_step(lambda times: strip_thoughts(part * times), 20_000)
