"""Tokens that steer a model are found where they leaked; those that are spoken about are none."""

import pytest

from tasks.markup.control_tokens import find_control_token
from tests.growth import grows_in_step

TOKENS = [
    "<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|start_header_id|>", "<|end|>", "<|endoftext|>", "<|channel|>",
    "<|end_of_text|>", "<|EOT|>", "<|/tool_call|>", "<|begin_of_box|>", "<｜end▁of▁sentence｜>", 
    "<start_of_turn>", "<end_of_turn>",
    "<eos>", "<bos>", "<pad>", "<unk>", "[INST]", "[/INST]", "<<SYS>>", "[gMASK]", "</s>", "<turn|>", "<|turn>",
    "<fim_middle>", "[UNUSED_TOKEN_145]", "[TOOL_RESULTS]",
]  # fmt: skip


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_in_a_text_is_found(token: str) -> None:
    assert find_control_token(f"There are 3 pets.{token}") == token
    assert find_control_token(f"{token}There are 3 pets. {token}user") == token


@pytest.mark.parametrize("token", TOKENS)
def test_one_in_quotes_or_code_is_spoken_about(token: str) -> None:
    for text in (
        f"It ends with `{token}`.",
        f'It says "{token}" there.',
        f"Run ```\ncat {token} x\n``` then.",
        f"“{token}”",
    ):
        assert find_control_token(text) == ""
    assert find_control_token(f"It ends with `{token}`.{token}") == token


@pytest.mark.parametrize(
    "text",
    [
        "3 < 4 | 5 > 2",
        "<b>bold</b> and <s>struck</s> out",
        "a <| b |> c",
        "<|>",
        "[1] [INSTALL] [INST",
        "The assistant finally answered.",
        "An assistantfinal is no word.",
        "<https://example.com>",
        "<user@example.com>",
        "Hello.",
        "",
    ],
)
def test_other_marks_are_none(text: str) -> None:
    assert find_control_token(text) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<s>Hello.</s>", "<s>"),
        ("Hello. <s>", "<s>"),
        ("<s>struck</s> out and the end</s>", "<s>"),
        ("analysisThe user wants pets.assistantfinalThere are 3.", "assistantfinal"),
        ("commentaryI look.assistantanalysisHm", "assistantanalysis"),
    ],
)
def test_a_sequence_s_ends_and_channels_without_their_marks_are(text: str, found: str) -> None:
    assert find_control_token(text) == found


@pytest.mark.parametrize("part", ["<|", "`<|a|>", '"<|a|>"', "<s></s>", "[INST", "<｜a", "assistantfinal", "`"])
def test_ten_times_as_much_takes_about_ten_times_as_long(part: str) -> None:
    assert grows_in_step(lambda times: find_control_token(part * times), 10_000)
