"""Calls that a model writes into its text are read in every form of open models, and only where that is certain."""

import json

import pytest

from tasks.markup.written_calls import read_written_calls
from tests.growth import grows_in_step

FUNCTIONS = {
    "searchPets": {"type": "object", "properties": {"city": {"type": "string"}, "limit": {"type": "integer"}}},
    "listPets": {"type": "object", "properties": {}},
}
ARGUMENTS = '{"city": "Lyon", "limit": 3}'
CALL = f'{{"name": "searchPets", "arguments": {ARGUMENTS}}}'

FORMS = {
    "Hermes": f"<tool_call>\n{CALL}\n</tool_call>",
    "Hermes, its end left out": f"<tool_call>{CALL}",
    "Hermes, a list": f"<tool_calls>[{CALL}]</tool_calls>",
    "Qwen-Coder": f"<tools>\n{CALL}\n</tools>",
    "Nemotron": f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    "Phi-4": f"<|tool_call|>[{CALL}]<|/tool_call|>",
    "Phi-4-mini": f"functools[{CALL}]",
    "Granite": f"<|tool_call|>[{CALL}]",
    "LFM2": '<|tool_call_start|>[searchPets(city="Lyon", limit=3)]<|tool_call_end|>',
    "Apertus": f'<|tools_prefix|>[{{"searchPets": {ARGUMENTS}}}]<|tools_suffix|>',
    "Command": f'<|START_ACTION|>[{{"tool_call_id": "0", "tool_name": "searchPets", "parameters": {ARGUMENTS}}}]'
    "<|END_ACTION|>",
    "Command R": f'Action: ```json\n[{{"tool_name": "searchPets", "parameters": {ARGUMENTS}}}]\n```',
    "Mistral": f"[TOOL_CALLS][{CALL}]",
    "Mistral, named": f"[TOOL_CALLS]searchPets{ARGUMENTS}",
    "Mistral 3": f"[TOOL_CALLS]searchPets[ARGS]{ARGUMENTS}",
    "Mistral 3, with ids": f"[TOOL_CALLS]searchPets[CALL_ID]abc123def[ARGS]{ARGUMENTS}",
    "Llama": f'<|python_tag|>{{"name": "searchPets", "parameters": {ARGUMENTS}}}<|eom_id|>',
    "Llama, in a tag": f"<function=searchPets>{ARGUMENTS}</function>",
    "Llama, in a broken tag": f"<function=searchPets{ARGUMENTS}</function>",
    "Llama 4": '<|python_start|>[searchPets(city="Lyon", limit=3)]<|python_end|>',
    "Python": 'searchPets(city="Lyon", limit=3)',
    "Python, an object": f"searchPets({ARGUMENTS})",
    "Gemma 3": '```tool_code\nsearchPets(city="Lyon", limit=3)\n```',
    "Gemma 4": '<|tool_call>call:searchPets{city:<|"|>Lyon<|"|>,limit:3}<tool_call|>',
    "Qwen3-Coder": "<tool_call>\n<function=searchPets>\n<parameter=city>\nLyon\n</parameter>\n"
    "<parameter=limit>\n3\n</parameter>\n</function>\n</tool_call>",
    "Seed": "<seed:tool_call><function=searchPets><parameter=city>Lyon</parameter><parameter=limit>3</parameter>"
    "</function></seed:tool_call>",
    "MiniMax": '<minimax:tool_call>\n<invoke name="searchPets">\n<parameter name="city">Lyon</parameter>\n'
    '<parameter name="limit">3</parameter>\n</invoke>\n</minimax:tool_call>',
    "DeepSeek V3": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>searchPets\n```json\n"
    f"{ARGUMENTS}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "DeepSeek V3.1": f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>searchPets<｜tool▁sep｜>{ARGUMENTS}"
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "DeepSeek V3.2": '<｜DSML｜function_calls>\n<｜DSML｜invoke name="searchPets">\n'
    '<｜DSML｜parameter name="city" string="true">Lyon</｜DSML｜parameter>\n'
    '<｜DSML｜parameter name="limit" string="false">3</｜DSML｜parameter>\n</｜DSML｜invoke>\n'
    "</｜DSML｜function_calls>",
    "Kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.searchPets:0<|tool_call_argument_begin|>"
    f"{ARGUMENTS}<|tool_call_end|><|tool_calls_section_end|>",
    "GLM": "<tool_call>searchPets\n<arg_key>city</arg_key>\n<arg_value>Lyon</arg_value>\n"
    "<arg_key>limit</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
    "GLM-4": f"searchPets\n{ARGUMENTS}",
    "gpt-oss": "<|start|>assistant<|channel|>commentary to=functions.searchPets <|constrain|>json<|message|>"
    f"{ARGUMENTS}<|call|>",
    "gpt-oss, otherwise": "<|start|>assistant to=functions.searchPets<|channel|>commentary<|message|>"
    f"{ARGUMENTS}<|call|>",
    "ReAct": f"Action: searchPets\nAction Input: {ARGUMENTS}",
    "a fence": f"```json\n{CALL}\n```",
    "bare": CALL,
    "bare, a list": f"[{CALL}]",
    "bare, as OpenAI has it": json.dumps(
        {"type": "function", "id": "x", "function": {"name": "searchPets", "arguments": ARGUMENTS}}
    ),
    "bare, as a message": f'{{"tool_calls": [{CALL}]}}',
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("before", ["", "I look it up.\n"], ids=["alone", "after words"])
def test_a_call_is_read_in_each_form(text: str, before: str) -> None:
    found = read_written_calls(before + text, FUNCTIONS)
    assert found is not None
    assert [(call.name, json.loads(call.arguments)) for call in found.calls] == [("searchPets", json.loads(ARGUMENTS))]
    assert found.before == before.strip()


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>",
        f"[{CALL}, {CALL}]",
        f"{CALL}\n{CALL}",
        f"<|python_tag|>{CALL}; {CALL}",
        '[searchPets(city="Lyon", limit=3), searchPets(city="Lyon", limit=3)]',
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>searchPets<｜tool▁sep｜>{ARGUMENTS}<｜tool▁call▁end｜>"
        f"<｜tool▁call▁begin｜>searchPets<｜tool▁sep｜>{ARGUMENTS}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ],
)
def test_so_are_several(text: str) -> None:
    found = read_written_calls(text, FUNCTIONS)
    assert found is not None
    assert [json.loads(call.arguments) for call in found.calls] == [json.loads(ARGUMENTS)] * 2


@pytest.mark.parametrize(
    "text",
    ["<tool_call>listPets</tool_call>", '<tool_call>{"name": "listPets"}</tool_call>', "<function=listPets></function>",
     "[listPets()]", '{"name": "listPets", "arguments": {}}', '<invoke name="listPets"></invoke>'],
)  # fmt: skip
def test_a_call_may_have_no_arguments(text: str) -> None:
    found = read_written_calls(text, FUNCTIONS)
    assert found is not None
    assert [(call.name, call.arguments) for call in found.calls] == [("listPets", "{}")]


@pytest.mark.parametrize(("written", "read"), [("07", "07"), ("True", "True"), ('"x"', '"x"'), ("a\nb", "a\nb")])
def test_a_parameter_in_a_tag_that_is_text_stays_as_it_stands(written: str, read: str) -> None:
    found = read_written_calls(f"<function=searchPets><parameter=city>\n{written}\n</parameter></function>", FUNCTIONS)
    assert found is not None
    assert json.loads(found.calls[0].arguments) == {"city": read}


@pytest.mark.parametrize(
    ("written", "read"), [("3", 3), ("True", True), ("null", None), ("[1]", [1]), ("many", "many")]
)
def test_any_other_is_read_as_json_if_it_is(written: str, read: object) -> None:
    found = read_written_calls(f"<function=searchPets><parameter=limit>{written}</parameter></function>", FUNCTIONS)
    assert found is not None
    assert json.loads(found.calls[0].arguments) == {"limit": read}


def test_what_is_said_after_marked_calls_was_said_before_they_were_answered() -> None:
    found = read_written_calls(f"I look. <tool_call>{CALL}</tool_call>\nThere are 3 pets.", FUNCTIONS)
    assert found is not None
    assert (found.before, len(found.calls)) == ("I look.", 1)


UNCERTAIN = [
    f"You could call {CALL} for that.",
    f"{CALL} would do.",
    f"```json\n{CALL}\n```\nThis would look it up.",
    'I use searchPets(city="Lyon") for that.',
    'searchPets(city="Lyon") is what I use.',
    '<tool_call>{"name": "searchPets", "arguments": {"city": "Ly',
    f"<tool_call>{CALL}</tool_call><tool_call>{{\"name\": \"searchPets\", \"argu",
    f"<tool_call>{CALL}</tool_call><tool_call>findPets</tool_call>",
    f"<tool_call>{CALL.replace('searchPets', 'findPets')}</tool_call>",
    "<tool_call>hello</tool_call>",
    "<function=searchPets><parameter=city>Ly",
    "<function=findPets>{}</function>",
    '{"name": "searchPets"}',
    '{"name": "searchPets", "arguments": "Lyon"}',
    '{"name": "searchPets", "arguments": [1]}',
    '{"name": "SearchPets", "arguments": {}}',
    '{"city": "Lyon"}',
    "Action: searchPets",
    'searchPets("Lyon")',
    "searchPets(city=find_city())",
    "[1, 2]",
    "searchPets",
    "The pets are Luna and Milo.",
    "",
]  # fmt: skip


@pytest.mark.parametrize("text", UNCERTAIN)
def test_what_only_looks_like_a_call_stays_text(text: str) -> None:
    assert read_written_calls(text, FUNCTIONS) is None


@pytest.mark.parametrize(
    "part",
    ["<tool_call>", "```json\n", "{", "[", "searchPets(", "<function=searchPets>", '<parameter=a>', "Action: ",
     "<tool_call>listPets", "\n[", "call:searchPets{", '{"name": "searchPets", "arguments": {}}',
     "<|channel|>commentary"],
)  # fmt: skip
def test_ten_times_as_much_takes_about_ten_times_as_long(part: str) -> None:
    assert grows_in_step(lambda times: read_written_calls(part * times, FUNCTIONS), 2_000)
