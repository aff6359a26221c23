"""JSON answers: found in whatever surrounds them, checked, and sent back with what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator
from starlette.responses import JSONResponse

from schemas.base import Record
from schemas.calls import ChatRequest, Completion, FinishReason, Usage
from schemas.errors import TeacherError
from schemas.teacher import TeacherSettings
from tasks.completions.answers import find_flaws
from tasks.teacher import Engine, Ledger, Teacher
from tasks.teacher.in_process import connect_app
from tasks.teacher.structured import ask_for_json, build_response_format, find_objects, read_answer
from tests.tasks.teacher.endpoints import Endpoint, say


class Cat(Record):
    name: str
    lives: int
    colour: str = "black"


class Cats(Record):
    cats: tuple[Cat, ...]

    @model_validator(mode="after")
    def _want_one(self) -> "Cats":
        if not self.cats:
            raise ValueError("a cat is wanted")
        return self


FELIX = '{"name": "Felix", "lives": 9}'
REQUEST = ChatRequest(messages=({"role": "user", "content": "A cat, please."},))


async def ask(endpoint: Endpoint, **options: Any) -> Cat:
    teacher = Teacher(Engine(TeacherSettings(), client=connect_app(endpoint.app)), Ledger())
    return await teacher.complete_json(
        REQUEST, Cat, name="cat", stage="document", api_id="cats", owner="cats", **options
    )


@pytest.mark.parametrize(
    "text",
    [
        FELIX,
        f"```json\n{FELIX}\n```",
        f"```\n{FELIX}",
        f"Sure! Here {{as you wished}} is the cat [1]:\n\n{FELIX}\n\nAnything else? {{}}",
        f'<think>Maybe {{"name": "Tom", "lives": 1}}?</think>\n{FELIX}',
        f'Maybe {{"name": "Tom", "lives": 1}}?</think>{FELIX}',
        f"{FELIX}<think>Was that right",
        f"{{\n  {FELIX[1:]}",
        f'{{"ok"}} then: {FELIX}',
        f'{{"sixteen letters!" x}} {FELIX}',  # 20 characters before it is seen to be no object
        f"{{ {FELIX}",
        f"[1, 2] {FELIX} {{",
    ],
)
def test_an_object_is_found_in_what_surrounds_it(text: str) -> None:
    assert json.loads(FELIX) in find_objects(text)
    answer, _ = read_answer(make(text), Cat)
    assert answer == Cat(name="Felix", lives=9)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=5), st.recursive(st.text(max_size=9) | st.integers(), st.lists), max_size=4))
def test_every_object_is_read_back_from_a_fence(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=1)
    if "<think" not in text and "</think" not in text:
        assert find_objects(f"Here it is:\n```json\n{text}\n```\nDone.") == [value]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("I cannot do that.", "holds no JSON object"),
        ('{"cats": [{"name": "Felix", "lives": 9}, {"name": "To', "cut off"),
        ('{"cats": [{"name": "Felix", "lives": 9}', "cut off"),
        ('{"cats": [{"name": "Felix" "lives": 9}]}', "line 1, column 28"),
        ('{"a":' * 100_000, "nested too deeply"),
        (f'{{"seventeen letters" x}} {FELIX}', "line 1, column 22.$"),
        (f'{{"name": "Felix", \n"lives" 9}} {FELIX}', "line 2, column 9.$"),
        (f'{{"name": "Fe {FELIX[:9]}', "column .* The answer seems to be cut off"),
        ('{"a"', "cut off"),
        ('{"', "Unterminated string .* cut off"),
        ("{", "holds no JSON object"),
        ("[1, 2]", "holds no JSON object"),
        ("null", "holds no JSON object"),
        ("", "holds no JSON object"),
    ],
)
def test_a_part_of_a_broken_answer_is_not_taken_for_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        find_objects(text)


async def test_a_good_answer_is_asked_for_once_and_with_its_schema() -> None:
    endpoint = Endpoint(say(FELIX))
    assert await ask(endpoint) == Cat(name="Felix", lives=9)
    (request,) = endpoint.requests
    asked = request["response_format"]
    assert (asked["type"], asked["json_schema"]["name"], asked["json_schema"]["strict"]) == (
        "json_schema",
        "cat",
        False,
    )
    assert asked["json_schema"]["schema"]["required"] == ["name", "lives"]


@pytest.mark.parametrize("colour", ["null", " null ", "null\n"])
async def test_a_null_for_what_may_be_left_out_is_read_as_left_out(colour: str) -> None:
    endpoint = Endpoint(say(FELIX.replace("}", f', "colour": {colour}}}')))
    assert await ask(endpoint) == Cat(name="Felix", lives=9)
    assert len(endpoint.requests) == 1


async def test_a_check_may_be_awaited() -> None:
    async def find_problems(cat: Cat) -> list[str]:
        return ["lives: a cat has 9"] if cat.lives != 9 else []

    endpoint = Endpoint(say('{"name": "Felix", "lives": 1}'))
    endpoint.last = say(FELIX)
    assert await ask(endpoint, check=find_problems) == Cat(name="Felix", lives=9)
    assert "a cat has 9" in endpoint.requests[-1]["messages"][-1]["content"]


async def test_a_bad_answer_goes_back_with_what_is_wrong_until_it_is_good() -> None:
    endpoint = Endpoint(say("No."), say('{"name": "Felix", "lives": "many"}'), say('{"name": "X", "lives": 1}'))
    endpoint.last = say(FELIX)
    assert await ask(endpoint, check=lambda cat: ["lives: a cat has 9"] if cat.lives != 9 else []) == Cat(
        name="Felix", lives=9
    )
    last = endpoint.requests[-1]["messages"]
    assert [message["role"] for message in last] == ["user", "assistant", "user"]
    complaints = [request["messages"][-1]["content"] for request in endpoint.requests[1:]]
    assert "The answer holds no JSON object." in complaints[0]
    assert 'lives: write a whole number, not "many"' in complaints[1]
    assert "lives: a cat has 9" in complaints[2]


async def test_after_four_attempts_the_last_problems_are_told() -> None:
    endpoint = Endpoint(last=say('{"name": "Felix"}'))
    with pytest.raises(TeacherError, match="no usable cat after 4 attempts: lives: it is missing; add it"):
        await ask(endpoint)
    assert len(endpoint.requests) == 4


class Script:
    """Answers with these contents, the last one over and over, and keeps what it was asked."""

    def __init__(self, *contents: str) -> None:
        self.contents = list(contents)
        self.asked: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> Completion:
        content = self.contents[min(len(self.asked), len(self.contents) - 1)]
        self.asked.append(request)
        return make(content)


def make(content: str, finish: FinishReason = "stop") -> Completion:
    return find_flaws(Completion(content=content, finish_reason=finish, model="tiny", usage=Usage()))


class TestAsking:
    async def test_each_attempt_is_a_sample_of_its_own_and_holds_the_last_answer_alone(self) -> None:
        script = Script("No.", "Never.", FELIX)
        request = REQUEST.model_copy(update={"sample": 5, "seed": 7})
        assert (await ask_for_json(script.complete, request, Cat, name="cat")).name == "Felix"
        assert [(asked.sample, asked.seed, len(asked.messages)) for asked in script.asked] == [
            (5, 7, 1),
            (6, 7, 3),
            (7, 7, 3),
        ]
        assert all(asked.messages[0] == REQUEST.messages[0] for asked in script.asked)
        assert script.asked[1].messages[1] == {"role": "assistant", "content": "No."}
        assert script.asked[2].messages[1] == {"role": "assistant", "content": "Never."}
        assert request.response_format is None

    async def test_the_last_attempt_may_be_the_good_one_and_none_follows_a_good_one(self) -> None:
        script = Script("No.", "No.", "No.", FELIX, "No.")
        await ask_for_json(script.complete, REQUEST, Cat, name="cat")
        assert len(script.asked) == 4

    async def test_no_more_than_twenty_problems_are_shown_or_told(self) -> None:
        script = Script(FELIX)
        problems = [f"problem {number:03}" for number in range(25)]
        with pytest.raises(TeacherError) as raised:
            await ask_for_json(script.complete, REQUEST, Cat, name="cat", check=lambda _: problems)
        shown = str(script.asked[1].messages[-1]["content"])
        for text in (shown, str(raised.value)):
            assert "problem 019" in text
            assert "problem 020" not in text
        assert str(raised.value).endswith("problem 018; problem 019")

    async def test_a_check_sees_only_what_conforms_and_the_problems_are_its_own(self) -> None:
        seen: list[Cat] = []

        async def find_problems(cat: Cat) -> list[str]:
            seen.append(cat)
            return ["too few"] if cat.lives < 9 else []

        script = Script('{"name": "Tom"}', '{"name": "Tom", "lives": 8}', FELIX)
        found = await ask_for_json(script.complete, REQUEST, Cat, name="cat", check=find_problems)
        assert [cat.lives for cat in seen] == [8, 9]
        assert found is seen[1]
        assert "too few" not in str(script.asked[1].messages)
        assert "too few" in str(script.asked[2].messages[-1]["content"])

    async def test_an_answer_that_comes_back_unchanged_is_drawn_afresh_and_not_mended_again(self) -> None:
        script = Script("No.", "No.", "No.", FELIX)
        await ask_for_json(script.complete, REQUEST, Cat, name="cat")
        assert [(asked.sample, len(asked.messages)) for asked in script.asked] == [(0, 1), (1, 3), (2, 1), (3, 3)]

    @pytest.mark.parametrize(("flawed", "then"), [("", 1), ("Hm<|im_end|>", 3)])
    async def test_so_is_one_with_a_flaw_but_two_in_a_row_are_told_of_it_if_there_is_anything_to_tell(
        self, flawed: str, then: int
    ) -> None:
        script = Script("No.", flawed, flawed, FELIX)
        await ask_for_json(script.complete, REQUEST, Cat, name="cat")
        assert [(asked.sample, len(asked.messages)) for asked in script.asked] == [(0, 1), (1, 3), (2, 1), (3, then)]

    async def test_as_many_attempts_are_made_as_are_wanted_and_each_four_begin_afresh(self) -> None:
        script = Script("a", "b", "c", "d", "e", FELIX)
        await ask_for_json(script.complete, REQUEST, Cat, name="cat", are_enough=lambda: len(script.asked) == 6)
        assert [len(asked.messages) for asked in script.asked] == [1, 3, 3, 3, 1, 3]


class TestWhichObject:
    TOM = '{"name": "Tom", "lives": 1}'

    @pytest.mark.parametrize(
        "text",
        [
            f"For example {TOM}. Answer:\n{FELIX}",
            f'The format is {{"name": "", "lives": 0}}.\n```json\n{FELIX}\n```',
            f"{FELIX}\nI left out {{}}.",
            f'{FELIX}\n{{"note": "done"}}',
            f"[{FELIX}]",
            f"[{TOM}, {FELIX}]",
            f'{{"cat": "x"}} {FELIX}',
        ],
    )
    def test_the_last_that_conforms_is_the_answer(self, text: str) -> None:
        assert read_answer(make(text), Cat) == (Cat(name="Felix", lives=9), [])

    def test_an_example_before_an_answer_that_breaks_off_is_none(self) -> None:
        answer, (problem,) = read_answer(make(f'For example {self.TOM}. Answer: {{"name": "Fe'), Cat)
        assert answer is None
        assert "cut off" in problem

    def test_where_none_conforms_the_problems_of_the_largest_are_told(self) -> None:
        answer, problems = read_answer(make('{"name": "Felix", "lives": "many, as all know"} and {}'), Cat)
        assert answer is None
        assert problems == ['lives: write a whole number, not "many, as all know"']

    def test_of_many_the_last_twenty_are_looked_at(self) -> None:
        assert read_answer(make(FELIX + '{"n": 1}' * 19), Cat)[0] is not None
        assert read_answer(make(FELIX + '{"n": 1}' * 20), Cat)[0] is None


class TestReading:
    @pytest.mark.parametrize(
        ("content", "finish", "problem"),
        [
            (FELIX, "stop", None),
            (FELIX, "tool_calls", None),
            (FELIX, "length", None),  # whole all the same
            (FELIX, "content_filter", "The answer was filtered."),
            ("", "stop", "The answer is empty."),
            (" \n", "tool_calls", "The answer is empty."),
            ("", "length", "The answer was cut off at the limit of tokens: it must be shorter."),
            ("", "content_filter", "The answer was filtered."),
            (f"{FELIX}<|im_end|>", "stop", "The answer holds tokens that steer the model."),
            ('{"name": "Fe', "length", "The answer was cut off at the limit of tokens: it must be shorter."),
            ("Well,", "length", "The answer was cut off at the limit of tokens: it must be shorter."),
            ("Well,", "stop", "The answer holds no JSON object."),
        ],
    )
    def test_what_is_wrong_depends_on_how_it_ended(self, content: str, finish: Any, problem: str | None) -> None:
        answer, problems = read_answer(make(content, finish), Cat)
        assert (answer is None, problems) == (problem is not None, [] if problem is None else [problem])

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"lives": "many"}, ', not "many"'),
            ({"name": 1.5}, ", not 1.5"),
            ({"lives": None}, ", not null"),
            ({"lives": [9]}, ""),
            ({"lives": {"a": 1}}, ""),
            ({"name": 7}, ", not 7"),
            ({"lives": "ä" * 100}, ', not "' + "ä" * 79),
        ],
    )
    def test_a_problem_says_where_it_is_and_what_was_there_if_that_is_short(
        self, changes: dict[str, Any], problem: str
    ) -> None:
        answer, problems = read_answer(make(json.dumps({"name": "Felix", "lives": 9, **changes})), Cat)
        assert answer is None
        (line,) = problems
        assert line.startswith(f"{next(iter(changes))}: write a ")
        assert line.partition(", not")[1:] == ((", not", problem[5:]) if problem else ("", ""))

    def test_what_is_missing_is_only_named_and_each_problem_has_a_line(self) -> None:
        answer, problems = read_answer(make("{}"), Cat)
        assert (answer, problems) == (None, ["name: it is missing; add it", "lives: it is missing; add it"])

    def test_a_problem_within_is_named_by_the_way_to_it_and_one_of_the_whole_by_that(self) -> None:
        answer, problems = read_answer(make('{"cats": [{"name": "Felix", "lives": 9}, {"name": "Tom"}]}'), Cats)
        assert (answer, problems) == (None, ["cats.1.lives: it is missing; add it"])
        answer, problems = read_answer(make('{"cats": []}'), Cats)
        assert (answer, problems) == (None, ["the object: a cat is wanted"])


async def test_a_schema_of_the_caller_s_own_is_sent_in_place_of_the_model_s() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"name": {"enum": ["Felix"]}}}
    endpoint = Endpoint(say(FELIX))
    await ask(endpoint, schema=schema)
    assert endpoint.requests[0]["response_format"]["json_schema"]["schema"] == schema


class Book(Record):
    """What our docstring says is no part of what is sent."""

    title: str
    description: str = Field("none", title="Description", description="What it is about")
    cats: tuple[Cat, ...] = ()


def test_a_response_format_names_the_answer_and_holds_its_schema_without_notes() -> None:
    text = {"type": "string"}
    cat = {
        "type": "object",
        "properties": {"name": text, "lives": {"type": "integer"}, "colour": {**text, "default": "black"}},
        "required": ["name", "lives"],
        "additionalProperties": False,
    }
    cats = {"type": "array", "items": {"$ref": "#/$defs/Cat"}, "default": []}
    book = {
        "type": "object",
        "properties": {"title": text, "description": {**text, "default": "none"}, "cats": cats},
        "required": ["title"],
        "additionalProperties": False,
        "$defs": {"Cat": cat},
    }
    assert build_response_format(Book, "black-book") == {
        "type": "json_schema",
        "json_schema": {"name": "black-book", "schema": book, "strict": False},
    }


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"finish_reason": "length", "message": {"content": '{"name": "Fel'}}, "cut off at the limit"),
        ({"finish_reason": "content_filter", "message": {"content": "I can't"}}, "was filtered"),
        ({"finish_reason": "stop", "message": {"content": None}}, "is empty"),
    ],
)
async def test_what_kept_the_answer_from_coming_is_told(choice: dict[str, Any], problem: str) -> None:
    endpoint = Endpoint(last=lambda _: JSONResponse({"choices": [choice]}))
    with pytest.raises(TeacherError, match=problem):
        await ask(endpoint)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"name": NaN}', "NaN is no JSON"),
        ('{"name": ' + "9" * 5000 + "}", "more than 300 digits"),
        ('{"name": 1e999}', "a number that is too large"),
        ('{"name": ' + "9" * 400 + ".0}", "a number that is too large"),
        ('{"name": "\\ud83d"}', "half of a surrogate pair"),
        ('{"name": ' + "[" * 200 + "]" * 200 + "}", "nested too deeply"),
    ],
)
def test_what_could_not_be_written_down_anew_is_not_taken(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        find_objects(text)


def test_a_whole_pair_and_a_large_number_are() -> None:
    assert find_objects('{"name": "\\ud83d\\ude00", "lives": 1e300}') == [{"name": "😀", "lives": 1e300}]


def test_text_that_looks_like_the_start_of_an_object_over_and_over_holds_none() -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        find_objects('{"x" ' * 200_000)


async def test_a_problem_that_names_a_key_of_any_length_is_told_in_short() -> None:
    endpoint = Endpoint(say(json.dumps({"name": "Felix", "lives": 9, "x" * 100_000: 1})), say(FELIX))
    await ask(endpoint)
    assert len(endpoint.requests[1]["messages"][-1]["content"]) < 5000
