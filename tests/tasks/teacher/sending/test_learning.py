"""What is learnt from a refusal, word by word: the part that was refused, and nothing from what only sounds like it."""

import json
from typing import Any

import pytest

from schemas.calls import ChatRequest
from tasks.teacher.sending.capabilities import Capabilities, build_body
from tasks.teacher.sending.learning import learn
from tasks.teacher.sending.retries import EndpointError

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORM: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "cat", "schema": SCHEMA, "strict": False}}
REQUEST = ChatRequest(
    messages=({"role": "user", "content": "A cat."},), response_format=FORM, temperature=0.7, max_tokens=9
)
FIRST = Capabilities()
LOOSE = Capabilities(answers="json_schema")
NO_TEMPERATURE = Capabilities(left_out=frozenset({"temperature"}))
OTHER_LIMIT = Capabilities(limit="max_completion_tokens", left_out=frozenset({"max_tokens"}))


def learn_from(
    said: str, status: int | None = 400, known: Capabilities = FIRST, request: ChatRequest = REQUEST
) -> Capabilities | None:
    return learn(known, build_body("tiny", request, known), EndpointError("no", status=status, said=said))


class TestAnswers:
    @pytest.mark.parametrize(
        "said",
        [
            "response_format",
            "Response format is bad",
            "json_schema",
            "invalid JSON schema in format",
            "json_object",
            "JSON mode is off",
            "no structured outputs here",
            "structured_output",
            "guided_json is bad",
            "features not supported by xgrammar",
        ],
    )
    def test_a_refusal_that_names_the_form_of_the_answer_takes_one_step_down(self, said: str) -> None:
        assert learn_from(said) == LOOSE

    @pytest.mark.parametrize(
        "said",
        [
            "the format is bad",
            "response",
            "no JSON here",
            "a schema is missing",
            "that was misguided",
            "structured data",
            "",
            "unsupported",
            "'input': 'json_schema'",
            '"input": {"response_format": {}}',
            "no, since 'input':\nresponse_format\njson_schema",
        ],
    )
    def test_one_that_does_not_teaches_nothing(self, said: str) -> None:
        assert learn_from(said) is None

    def test_what_is_said_before_the_request_is_repeated_counts(self) -> None:
        assert learn_from("json_schema is bad, 'input': 'x'") == LOOSE
        assert learn_from("the input: json_schema") == LOOSE

    @pytest.mark.parametrize(
        ("known", "form", "next_answers"),
        [
            ("strict", FORM, "json_schema"),
            ("json_schema", FORM, "json_object"),
            ("json_object", FORM, "plain"),
            (
                "strict",
                {"type": "json_schema", "json_schema": {"name": "c", "schema": {"type": "object"}}},
                "json_object",
            ),
            ("strict", {"type": "json_object"}, "json_object"),
            (
                "json_schema",
                {"type": "json_schema", "json_schema": {**FORM["json_schema"], "strict": True}},
                "json_object",
            ),
            ("json_object", {"type": "json_object"}, "plain"),
        ],
        ids=["strict", "loose", "object", "no strict form", "no schema", "its own strict", "no schema, once more"],
    )
    def test_the_next_form_is_the_next_that_differs(self, known: Any, form: dict[str, Any], next_answers: Any) -> None:
        request = REQUEST.model_copy(update={"response_format": form})
        learnt = learn_from("response_format", known=Capabilities(answers=known), request=request)
        assert learnt == Capabilities(answers=next_answers)

    def test_below_plain_words_there_is_nothing(self) -> None:
        assert learn_from("response_format", known=Capabilities(answers="plain")) is None

    def test_where_no_json_was_asked_for_it_was_not_refused(self) -> None:
        assert learn_from("response_format", request=REQUEST.model_copy(update={"response_format": None})) is None


class TestStatuses:
    @pytest.mark.parametrize("status", [400, 404, 422, 500, 501])
    def test_a_bad_request_teaches_and_another_status_that_comes_with_the_name_of_the_form(self, status: int) -> None:
        assert learn_from("response_format type must be one of", status) == LOOSE
        assert learn_from("unsupported: temperature", status) == NO_TEMPERATURE

    @pytest.mark.parametrize("status", [None, 401, 403, 408, 409, 413, 429, 502, 503, 529])
    def test_others_do_not(self, status: int | None) -> None:
        assert learn_from("response_format: unsupported", status) is None

    @pytest.mark.parametrize(
        "said", ["json_schema crashed", "temperature crashed", "'input': 'response_format'", "grammar"]
    )
    def test_neither_does_a_servers_error_that_names_it_otherwise_or_not_at_all(self, said: str) -> None:
        assert learn_from(said, 500) is None


class TestSampling:
    @pytest.mark.parametrize(
        "refusal",
        [
            "unsupported parameter: {}",
            "{} is not supported",
            "this does not support {}",
            "we don't support {}",
            "we don’t yet: cannot take {}, which is not available",
            "{} is not currently supported",
            "unknown parameter {}",
            "unrecognized: {}",
            "unrecognised: {}",
            "unexpected argument {}",
            "{} is not permitted",
            "{} is not allowed",
            "{} is not accepted",
            "{} is DEPRECATED",
            "{}: only the default is taken",
            "{}: only 1 is allowed for this model",
            "{}: only 1.0",
        ],
    )
    def test_a_parameter_that_is_refused_is_given_up(self, refusal: str) -> None:
        assert learn_from(refusal.format("'temperature'")) == NO_TEMPERATURE
        assert learn_from(refusal.format("'max_tokens'")) == OTHER_LIMIT
        both = refusal.format("max_tokens and temperature")
        assert learn_from(both) == Capabilities(
            limit="max_completion_tokens", left_out=frozenset({"max_tokens", "temperature"})
        )

    @pytest.mark.parametrize(
        "refusal",
        [
            "{} is too large",
            "{} must be at most 2",
            "{}: only values up to 2",
            "{}: only 10 are left",
            "{}: not more than 4 are supported",
            "known parameters: {}",
            "expected a value <= 2 for {}",
            "{} is supported up to 4",
        ],
    )
    def test_a_value_that_is_refused_stays_the_callers_error(self, refusal: str) -> None:
        assert learn_from(refusal.format("temperature")) is None
        assert learn_from(refusal.format("max_tokens")) is None

    @pytest.mark.parametrize(
        "name",
        ["max_completion_tokens", "max_tokens_to_sample", "new_max_tokens", "temperatures", "temperature_top", "n"],
    )
    def test_another_parameter_with_a_like_name_is_another(self, name: str) -> None:
        assert learn_from(f"unsupported parameter: {name}") is None

    def test_what_was_not_sent_was_not_refused(self) -> None:
        plain = ChatRequest(messages=REQUEST.messages)
        assert learn_from("unsupported parameter: temperature", request=plain) is None
        assert learn_from("unsupported parameter: max_tokens", request=plain) is None
        known = Capabilities(limit="max_completion_tokens", left_out=frozenset({"max_tokens", "temperature"}))
        assert learn_from("unsupported: max_tokens, temperature", known=known) is None

    def test_all_that_one_refusal_names_is_learnt_at_once_and_nothing_forgotten(self) -> None:
        said = "unsupported: response_format, temperature"
        assert learn_from(
            said, known=Capabilities(answers="json_schema", limit="max_completion_tokens")
        ) == Capabilities(answers="json_object", limit="max_completion_tokens", left_out=frozenset({"temperature"}))


class TestBodies:
    @pytest.mark.parametrize(
        ("seed", "sample", "sent"),
        [
            (None, 0, None),
            (None, 3, None),
            (5, 0, 5),
            (0, 0, 0),
            (5, 1, 1_000_008),
            (5, 2, 2_000_011),
            (2**31 - 1_000_004, 1, 2**31 - 1),
            (2**31 - 1_000_003, 1, 0),
            (2**40, 0, 2**40),
        ],
    )
    def test_each_further_sample_has_a_seed_of_its_own_that_every_endpoint_can_hold(
        self, seed: int | None, sample: int, sent: int | None
    ) -> None:
        request = ChatRequest(messages=REQUEST.messages, seed=seed, sample=sample)
        assert build_body("tiny", request, FIRST).get("seed") == sent

    def test_what_is_not_set_is_left_out_and_nothing_else(self) -> None:
        assert build_body("tiny", ChatRequest(messages=REQUEST.messages), FIRST) == {
            "model": "tiny",
            "messages": REQUEST.messages,
        }
        zero = ChatRequest(messages=REQUEST.messages, temperature=0.0, max_tokens=0, seed=0)
        assert {"temperature": 0.0, "max_tokens": 0, "seed": 0}.items() <= build_body("tiny", zero, FIRST).items()

    def test_a_strict_form_is_the_callers_but_for_the_schema(self) -> None:
        form = build_body("tiny", REQUEST, FIRST)["response_format"]
        strict = {**SCHEMA, "additionalProperties": False}
        assert form == {"type": "json_schema", "json_schema": {"name": "cat", "schema": strict, "strict": True}}
        assert FORM["json_schema"]["strict"] is False

    @pytest.mark.parametrize(
        "form",
        [
            {"type": "json_schema", "json_schema": {"name": "c", "schema": {"type": "object"}}},
            {"type": "json_schema", "json_schema": {"name": "c", "schema": True}},
            {"type": "json_schema", "json_schema": {"name": "c"}},
            {"type": "json_schema", "json_schema": None},
            {"type": "json_object"},
        ],
    )
    def test_a_form_without_a_strict_one_goes_out_as_it_was_given(self, form: dict[str, Any]) -> None:
        request = REQUEST.model_copy(update={"response_format": form})
        assert build_body("tiny", request, FIRST)["response_format"] == form

    @pytest.mark.parametrize(("answers", "form"), [("json_object", {"type": "json_object"}), ("plain", None)])
    def test_the_schema_is_told_where_it_is_not_taken_and_written_as_it_is(self, answers: Any, form: Any) -> None:
        schema = {"type": "object", "description": "Eine größere Katze: 猫"}
        request = REQUEST.model_copy(update={"response_format": {"json_schema": {"schema": schema}}})
        body = build_body("tiny", request, Capabilities(answers=answers))
        assert body.get("response_format") == form
        (message,) = body["messages"]
        first, _, told = message["content"].partition("\n\n")
        assert (message["role"], first) == ("user", "A cat.")
        assert told.startswith("Answer with one JSON object that conforms to this JSON Schema")
        assert told.endswith(json.dumps(schema, ensure_ascii=False))
        assert REQUEST.messages == ({"role": "user", "content": "A cat."},)

    @pytest.mark.parametrize("answers", ["strict", "json_schema", "json_object", "plain"])
    def test_where_there_is_none_none_is_told(self, answers: Any) -> None:
        request = REQUEST.model_copy(update={"response_format": {"type": "json_object"}})
        assert build_body("tiny", request, Capabilities(answers=answers))["messages"] == REQUEST.messages

    @pytest.mark.parametrize("answers", ["strict", "json_schema"])
    def test_and_is_not_told_where_it_is_taken(self, answers: Any) -> None:
        assert build_body("tiny", REQUEST, Capabilities(answers=answers))["messages"] == REQUEST.messages

    def test_only_the_last_message_gets_it(self) -> None:
        talk = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Well?"}, *REQUEST.messages)
        body = build_body("tiny", REQUEST.model_copy(update={"messages": talk}), Capabilities(answers="plain"))
        assert body["messages"][:2] == talk[:2]
        assert len(body["messages"]) == 3
        alone = build_body("tiny", REQUEST.model_copy(update={"messages": ()}), Capabilities(answers="plain"))
        assert [message["role"] for message in alone["messages"]] == ["user"]
