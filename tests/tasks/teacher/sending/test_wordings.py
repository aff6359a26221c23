"""What real endpoints say when they refuse something, as public reports quote it, and what is learnt of each.

The sources are named in docs/endpoints.md. Each family of wordings has its near-misses: a value that is wrong, a bad
draw, a word that only sounds like a refusal.
"""

import json
from typing import Any

import pytest

from schemas.base import Json
from schemas.calls import ChatRequest
from tasks.teacher.sending.capabilities import Capabilities, build_body
from tasks.teacher.sending.learning import learn
from tasks.teacher.sending.refusals import read_refusal
from tasks.teacher.sending.retries import EndpointError
from tasks.teacher.sending.schema_forms import EMPTY_OBJECTS, LISTS_OF_TYPES, NO_PROPERTIES, OTHER_ENUMS

PARAMETERS: dict[str, Json] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "examples": ["Oslo"], "pattern": "^[A-Z]"},
        "limit": {"type": "integer", "exclusiveMinimum": 0, "enum": [1, 2], "const": 1},
        "when": {"type": ["string", "null"], "format": "date", "oneOf": [{"const": "a"}, {"type": "null"}]},
        "free": {"type": "object"},
    },
    "additionalProperties": False,
}
NOTHING: dict[str, Json] = {"type": "object", "properties": {}}
SCHEMA: dict[str, Json] = {
    "$defs": {"X": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}},
    "type": "object",
    "properties": {"x": {"$ref": "#/$defs/X"}, "list": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
    "required": ["x", "list"],
    "additionalProperties": False,
}


def make_tool(name: str, parameters: dict[str, Json], description: str = "Finds.") -> dict[str, Json]:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


USER: dict[str, Json] = {"role": "user", "content": "Hi"}
CALL: dict[str, Json] = {
    "id": "c",
    "type": "function",
    "function": {"name": "find-all", "arguments": "{}"},
    "sign": "x",
}
PLAIN = ChatRequest(messages=({"role": "system", "content": "S"}, USER), temperature=0.7, seed=5, max_tokens=20_000)
TOOLS = PLAIN.model_copy(
    update={
        "tools": (make_tool("find-all", PARAMETERS, "word " * 300), make_tool("now", NOTHING)),
        "messages": (
            {"role": "system", "content": "S"},
            USER,
            {"role": "assistant", "content": "", "tool_calls": [CALL], "reasoning_content": "hm"},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
        ),
    }
)
FORM: dict[str, Json] = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": False}}
FOR_JSON = PLAIN.model_copy(update={"response_format": FORM})
TWICE = PLAIN.model_copy(update={"messages": (*PLAIN.messages, USER)})


def learn_from(body: Any, request: ChatRequest, status: int = 400, known: Capabilities | None = None) -> Any:
    """What is learnt where the endpoint answers `body`, as the SDK hands it on."""
    known = known or Capabilities()
    told = body.get("error", body) if isinstance(body, dict) else body
    refusal = EndpointError("no", status=status, said=read_refusal(told))
    learnt = learn(known, build_body("m", request, known), refusal)
    if learnt is None:
        return None
    return {k: v for k, v in learnt.model_dump().items() if v != getattr(known, k)}


def say(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def gemini(*lines: str) -> list[Any]:
    return [{"error": {"code": 400, "message": "\n".join(lines), "status": "INVALID_ARGUMENT"}}]


def forbid(*names: str) -> dict[str, Any]:
    """FastAPI's answer to fields that it does not know, with what was sent in each."""
    errors = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted",
               "input": "temperature"} for name in names]  # fmt: skip
    return {"detail": errors}


LEFT_OUT = {
    "Mistral": ({"object": "error", "message": forbid("seed"), "type": "invalid_request_error"}, {"seed"}),
    "Azure AI": (forbid("seed"), {"seed"}),
    "two at once": (forbid("seed", "temperature"), {"seed", "temperature"}),
    "two at once, as text": (say(str(forbid("seed", "temperature")["detail"])), {"seed", "temperature"}),
    "in a string": (say("(Invalid input) " + json.dumps(forbid("seed"))), {"seed"}),
    "OpenAI, parameter": (
        say("Unsupported parameter: 'temperature' is not supported with this "
            "model.", "temperature", "unsupported_parameter"),
        {"temperature"},
    ),
    "OpenAI, value": (
        say(
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value "
            "is supported.",
            "temperature", "unsupported_value",
        ),
        {"temperature"},
    ),
    "OpenAI, older": (say("Unrecognized request argument supplied: seed"), {"seed"}),
    "Claude": ({"type": "error", "error": {"message": "`temperature` is deprecated for this model."}}, {"temperature"}),
    "Claude, thinking": (say("`temperature` may only be set to 1 when thinking is enabled."), {"temperature"}),
    "Kimi": (say("invalid temperature: only 1 is allowed for this model"), {"temperature"}),
    "Kimi, later": (say("invalid temperature: only 0.6 is allowed for this model"), {"temperature"}),
    "LiteLLM": (
        say("litellm.UnsupportedParamsError: gpt-5 models don't support temperature=0.7. Only temperature=1 is "
            "supported. "
            "To drop unsupported params set `litellm.drop_params = True`", code="400"),
        {"temperature"},
    ),
    "LiteLLM, list": (say("litellm.UnsupportedParamsError: x does not support parameters: ['seed'], for "
                          "model=m"), {"seed"}),
    "Groq": (say("property 'seed' is unsupported"), {"seed"}),
    "serde": (say("unknown field `seed`, expected one of `model`, `messages`, `temperature`"), {"seed"}),
    "proto": (gemini('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), {"seed"}),
    "JSON Schema": (say("Additional properties are not allowed ('seed' was unexpected)"), {"seed"}),
    "Python": (say("Completions.create() got an unexpected keyword argument 'seed'"), {"seed"}),
    "wrapped": (
        say('litellm.BadRequestError: AnthropicException - '
            '{"type":"error","error":{"type":"invalid_request_error","message":'
            '"seed: Extra inputs are not permitted"}}'),
        {"seed"},
    ),
}  # fmt: skip


class TestParameters:
    @pytest.mark.parametrize("case", LEFT_OUT)
    def test_one_that_is_refused_is_left_out_and_no_other(self, case: str) -> None:
        body, names = LEFT_OUT[case]
        assert learn_from(body, PLAIN) == {"left_out": frozenset(names)}

    @pytest.mark.parametrize(
        "message",
        [
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 1.",
            "temperature must be between 0 and 1",
            "temperature: Input should be less than or equal to 1",
            "Unsupported value: 'seed' does not support -1. Supported values are: 0 to 9.",
            "seed must be an integer",
            "unknown field `foo`, expected one of `seed`, `temperature`",
            "Unknown parameter: 'foo'. Supported parameters are: seed, temperature.",
            "the seed of doubt is not supported by evidence: messages must not be empty",
        ],
    )
    def test_a_wrong_value_and_a_mention_stay_errors(self, message: str) -> None:
        learnt = learn_from(say(message), PLAIN.model_copy(update={"seed": None} if "doubt" in message else {}))
        assert learnt is None

    def test_one_answer_may_refuse_one_and_find_fault_with_another(self) -> None:
        body = {"detail": [*forbid("seed")["detail"], {"loc": ["body", "temperature"], "msg": "must be less than 1"}]}
        assert learn_from(body, PLAIN) == {"left_out": frozenset({"seed"})}


class TestLimits:
    def test_the_name_that_is_wanted_takes_the_place_of_the_one_that_is_refused(self) -> None:
        body = say(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        assert learn_from(body, PLAIN) == {"limit": "max_completion_tokens", "left_out": frozenset({"max_tokens"})}
        body = say("Unsupported parameter: 'max_tokens'. Use 'max_output_tokens' instead.")
        assert learn_from(body, PLAIN)["limit"] == "max_output_tokens"

    def test_one_after_another_is_tried_and_then_none(self) -> None:
        known = Capabilities()
        for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
            refusal = EndpointError("no", status=422, said=read_refusal(forbid(name)))
            learnt = learn(known, build_body("m", PLAIN, known), refusal)
            assert learnt is not None
            known = learnt
        assert known.limit is None
        assert "max_tokens" not in json.dumps(build_body("m", PLAIN, known))

    @pytest.mark.parametrize(
        "message",
        [
            "max_tokens: Field required",
            "Missing required parameter: 'max_tokens'.",
            "max_tokens is required",
            "body.max_tokens missing",
        ],
    )
    def test_where_one_is_required_every_request_has_one(self, message: str) -> None:
        request = PLAIN.model_copy(update={"max_tokens": None})
        assert learn_from(say(message), request) == {"needs_limit": True}
        assert build_body("m", request, Capabilities(needs_limit=True))["max_tokens"] == 8192

    def test_the_required_one_goes_in_place_of_another_name(self) -> None:
        known = Capabilities(limit="max_completion_tokens")
        assert learn_from(say("max_tokens: Field required"), PLAIN, known=known) == {
            "limit": "max_tokens",
            "needs_limit": True,
        }

    @pytest.mark.parametrize(
        ("message", "most"),
        [
            ("max_tokens is too large: 20000. This model supports at most 4096 completion tokens.", 4096),
            ("max_tokens: 20000 > 8192, which is the maximum allowed number of output tokens for claude-x", 8192),
            ("`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens`", 8192),
            ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192),
            ("'max_tokens' or 'max_completion_tokens' is too large: 20000. This model's maximum context length "
             "is 8,192 "
             "tokens and your request has 1000 input tokens (20000 > 8192 - 1000).", 4096),
            ("This model's maximum context length is 8192 tokens. However, you requested 27000 tokens (7000 in the "
             "messages, 20000 in the completion).", 1176),
        ],
    )  # fmt: skip
    def test_one_that_is_too_large_is_lowered_to_what_is_taken(self, message: str, most: int) -> None:
        assert learn_from(say(message), PLAIN) == {"most_output": most}

    @pytest.mark.parametrize(
        "message",
        [
            "This model's maximum context length is 8192 tokens. However, you requested 29000 tokens (9000 in "
            "the messages, "
            "20000 in the completion).",
            "max_tokens must be at least 1",
            "max_tokens must be greater than thinking.budget_tokens",
            "This model's maximum context length is 32768 tokens, too few for you.",
        ],
    )
    def test_a_prompt_that_is_too_long_is_no_matter_of_the_limit(self, message: str) -> None:
        request = PLAIN if "32768" not in message else PLAIN.model_copy(update={"max_tokens": 100})
        assert learn_from(say(message), request) is None


def refuse_in_tools(keyword: str, at: str = "properties[0].value") -> str:
    return (
        f'Invalid JSON payload received. Unknown name "{keyword}" at '
        f"'tools[0].function_declarations[0].parameters.{at}': Cannot find field."
    )


TOOL_PARTS = {
    "Gemini": (gemini(refuse_in_tools("additionalProperties", "")), {"additionalProperties"}),
    "Gemini, several": (
        gemini(refuse_in_tools("const"), refuse_in_tools("exclusiveMinimum"), refuse_in_tools("one_of")),
        {"const", "exclusiveMinimum", "oneOf"},
    ),
    "Gemini, list": (
        gemini("Invalid JSON payload received. Unknown name \"type\" at 'tools[0].function_declarations[2].parameters."
               "properties[0].value': Proto field is not repeating, cannot start list."),
        {LISTS_OF_TYPES},
    ),
    "Gemini, empty": (
        gemini("* GenerateContentRequest.tools[0].function_declarations[1].parameters.properties: should be "
               "non-empty for "
               "OBJECT type"),
        {EMPTY_OBJECTS},
    ),
    "Gemini, enum": (
        gemini("* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[limit].enum: "
               "only allowed "
               "for STRING type"),
        {OTHER_ENUMS},
    ),
    "Gemini, format": (
        gemini("* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[when].format: "
               "only 'enum' "
               "and 'date-time' are supported for STRING type"),
        {"format"},
    ),
    "OpenAI": (
        say("Invalid schema for function 'find-all': In context=('properties', 'free'), object schema missing "
            "properties.",
            "tools[0].function.parameters", "invalid_function_parameters"),
        {NO_PROPERTIES},
    ),
    "xgrammar": (say('Grammar error: Unimplemented keys: ["pattern"]'), {"pattern"}),
    "a keyword": (say("Keyword 'examples' is not supported in tool schemas"), {"examples"}),
}  # fmt: skip


class TestSchemasOfFunctions:
    @pytest.mark.parametrize("case", TOOL_PARTS)
    def test_a_part_that_is_refused_is_left_out(self, case: str) -> None:
        body, parts = TOOL_PARTS[case]
        assert learn_from(body, TOOLS) == {"tool_parts": frozenset(parts)}

    @pytest.mark.parametrize(
        "message",
        [
            "Failed to initialize samplers: failed to parse grammar",
            "JSON schema conversion failed:\nUnrecognized schema: {}",
            "JSON Schema not supported: could not understand the instance `{'required': ['criteria']}`.",
        ],
    )
    def test_where_none_is_named_all_that_can_be_left_out_are(self, message: str) -> None:
        learnt = learn_from(say(message), TOOLS)["tool_parts"]
        assert {"additionalProperties", "examples", "const", "oneOf", "pattern", "format"} <= learnt
        rest = learn_from(say(message), TOOLS, known=Capabilities(tool_parts=learnt))["tool_parts"]
        assert rest - learnt == {"enum", "anyOf"}
        assert learn_from(say(message), TOOLS, known=Capabilities(tool_parts=rest)) is None

    @pytest.mark.parametrize(
        "message",
        [
            "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
            "tool call validation failed: parameters for tool find-all did not match schema: errors: ['const' "
            "is wrong]",
            "'additionalProperties' is required to be supplied and to be false",
            "find-all: the city's pattern is unknown to us",
        ],
    )
    def test_a_bad_draw_and_a_mention_teach_nothing(self, message: str) -> None:
        assert learn_from(say(message), TOOLS) is None

    def test_a_property_that_is_called_like_a_keyword_is_none(self) -> None:
        tool = make_tool("f", {"type": "object", "properties": {"pattern": {"type": "string"}}})
        request = PLAIN.model_copy(update={"tools": (tool,)})
        assert learn_from(say("Keyword 'pattern' is not supported"), request) is None


class TestSchemasOfAnswers:
    @pytest.mark.parametrize(
        ("body", "parts"),
        [
            (gemini("Invalid JSON payload received. Unknown name \"additionalProperties\" at "
                    "'generation_config.response_schema': Cannot find field."), {"additionalProperties"}),
            (say("JSON Schema not supported: could not understand the instance `{'$ref': "
                 "'#/$defs/X'}`."), {"$ref", "$defs"}),
            (say("Invalid schema for response_format 'x': In context=('properties', 'list'), 'minItems' is not "
                 "permitted."),
             {"minItems"}),
            (say("output_format.schema: For 'array' type, 'minItems' values other than 0 or 1 are not "
                 "supported"), {"minItems"}),
        ],
        ids=["Gemini", "Fireworks", "OpenAI", "Claude"],
    )  # fmt: skip
    def test_a_keyword_that_is_refused_is_left_out_and_the_form_stays(self, body: Any, parts: set[str]) -> None:
        assert learn_from(body, FOR_JSON) == {"answer_parts": frozenset(parts)}

    def test_once_the_keyword_is_gone_the_form_is_what_is_refused(self) -> None:
        body = say("JSON Schema not supported: could not understand the instance `{'$ref': '#/$defs/X'}`.")
        known = Capabilities(answer_parts=frozenset({"$ref", "$defs"}))
        assert learn_from(body, FOR_JSON, known=known) == {"answers": "json_schema"}

    @pytest.mark.parametrize(
        "body",
        [
            say("This model does not support response format `json_schema`. See supported models.", "response_format"),
            say("This response_format type is unavailable now"),
            {"error": "'response_format.type' must be 'json_object' or 'text'"},
            say(
                "Invalid schema for response_format 'x': In context=(), 'additionalProperties' is required to "
                "be supplied."
            ),
            say("'response_format' of type 'json_schema' is not supported with this model."),
        ],
        ids=["Groq", "DeepSeek", "LM Studio", "OpenAI, strict", "OpenAI"],
    )
    def test_a_form_that_is_refused_is_the_next_one_after(self, body: Any) -> None:
        assert learn_from(body, FOR_JSON) == {"answers": "json_schema"}

    def test_a_draw_that_was_no_json_says_nothing_of_the_form(self) -> None:
        body = say(
            "Failed to validate JSON. Please adjust your prompt. See 'failed_generation'.", code="json_validate_failed"
        )
        assert learn_from(body, FOR_JSON) is None


class TestTurns:
    @pytest.mark.parametrize(
        "message",
        [
            "System role not supported",
            "Developer instruction is not enabled for models/gemma-3-27b-it",
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            "Only user and assistant roles are supported!",
            "Conversation roles must alternate user/assistant/user/assistant/...",
        ],
    )
    @pytest.mark.parametrize("status", [400, 500])
    def test_the_systems_message_goes_where_it_is_refused(self, message: str, status: int) -> None:
        assert learn_from(say(message), PLAIN, status) == {"system": False}

    @pytest.mark.parametrize(
        "message",
        [
            "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...",
            "Unexpected role 'user' after role 'user'",
            'messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in a row',
        ],
    )
    def test_turns_alternate_where_that_is_wanted_and_they_do_not(self, message: str) -> None:
        assert learn_from(say(message), TWICE) == {"alternate": True}

    @pytest.mark.parametrize(
        "message", ["the system is overloaded", "this system does not support you", "role model not found"]
    )
    def test_what_only_sounds_like_it_teaches_nothing(self, message: str) -> None:
        assert learn_from(say(message), PLAIN) is None


class TestMessages:
    @pytest.mark.parametrize(
        ("message", "field"),
        [
            ("messages.2.assistant.reasoning_content: property 'messages.2.assistant.reasoning_content' is unsupported",
             "reasoning_content"),
            ("'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property "
             "'reasoning_content' is unsupported)]", "reasoning_content"),
            ("messages.2.tool_calls.0.sign: Extra inputs are not permitted", "sign"),
        ],
    )  # fmt: skip
    def test_an_extra_field_that_is_refused_goes_back_no_more(self, message: str, field: str) -> None:
        assert learn_from(say(message), TOOLS) == {"refused_fields": frozenset({field})}

    def test_one_that_is_missed_teaches_nothing(self) -> None:
        assert (
            learn_from(say("The `reasoning_content` in the thinking mode must be passed back to the API."), TOOLS)
            is None
        )

    def test_empty_content_beside_calls_becomes_null(self) -> None:
        message = "messages.2: all messages must have non-empty content except for the optional final assistant message"
        assert learn_from(say(message), TOOLS) == {"empty_content": False}


class TestFunctions:
    @pytest.mark.parametrize(
        ("message", "longest"),
        [
            ("Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches "
             "the pattern "
             "'^[a-zA-Z0-9_]+$'.", 64),
            ("Invalid function name. Must start with a letter or an underscore and must be alphanumeric", 64),
            ("tools.0.custom.name: String should have at most 32 characters", 32),
        ],
    )  # fmt: skip
    def test_names_become_plain(self, message: str, longest: int) -> None:
        assert learn_from(say(message), TOOLS) == {"longest_name": longest}

    def test_names_that_are_plain_are_not_what_was_meant(self) -> None:
        request = PLAIN.model_copy(update={"tools": (make_tool("now", NOTHING),)})
        assert learn_from(say("Invalid 'tools[0].function.name': string does not match pattern."), request) is None

    def test_descriptions_are_cut_to_what_is_taken(self) -> None:
        message = "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024"
        assert learn_from(say(message), TOOLS) == {"longest_description": 1024}

    def test_so_many_functions_are_taken(self) -> None:
        request = PLAIN.model_copy(update={"tools": tuple(make_tool(f"f{n}", NOTHING) for n in range(200))})
        message = (
            "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array "
            "with length 200 instead."
        )
        assert learn_from(say(message, "tools", "array_above_max_length"), request) == {"most_tools": 128}
        assert learn_from(say("At most 64 tools are allowed"), request) == {"most_tools": 64}

    def test_too_many_calls_in_a_message_are_no_matter_of_the_functions(self) -> None:
        request = PLAIN.model_copy(update={"tools": tuple(make_tool(f"f{n}", NOTHING) for n in range(200))})
        message = (
            "Invalid 'messages[2].tool_calls': array too long. Expected an array with maximum length 128, but got 131."
        )
        assert learn_from(say(message), request) is None


# Other words for the same: none of them is known to be an endpoint's, and each could be.
OTHER_WORDS_FOR_SEED = [
    "This model does not support the following parameters: seed",
    "The parameter `seed` is not supported by this model.",
    "'seed' is not a valid parameter",
    "Invalid parameter: seed",
    "seed parameter not recognised",
    "Argument not supported on this model: seed",
    "body -> seed: extra fields not permitted",
    'json: unknown field "seed"',
    'Unrecognized field "seed" (class X), not marked as ignorable',
    "Value error, seed is not supported",
    "invalid request: seed cannot be used with this model",
    "seed: property not allowed",
    "Unexpected field: seed",
    "seed is not a recognized parameter",
    "Parameter seed is invalid for this endpoint",
    "field seed is forbidden",
    "The 'seed' parameter is not available",
    "seed isn't allowed",
]
OTHER_WORDS_FOR_TEMPERATURE = [
    "temperature must be 1",
    "Temperature is not supported",
    "model only supports temperature 1",
    "temperature should be 1.0",
    "this model only allows the default temperature",
    "does not allow temperature",
    "temperature can only be 1",
    "temperature is fixed at 1",
    "`temperature` must be unset",
    "temperature must be omitted",
    "temperature must equal 1",
    "Only temperature 1 is allowed",
    "temperature=0.7 is not supported, only 1.0 is",
    "temperature is not configurable",
]
OTHER_WORDS_FOR_A_LIMIT = [
    "Either max_tokens or max_completion_tokens must be specified",
    "max_tokens must be specified",
    "missing field `max_tokens`",
    "max_tokens must be provided",
    "'max_completion_tokens' is a required property",
    "max_output_tokens is mandatory",
    "`max_tokens` is a required parameter",
    "max_tokens: none is not an allowed value",
    "you must set max_tokens",
]
OTHER_WORDS_FOR_SYSTEM = [
    "system messages are not supported by this model",
    "Invalid role: system",
    "messages[0].role: unknown variant `system`, expected `user` or `assistant`",
    "messages.0.role: Input should be 'user' or 'assistant'",
    "The model does not accept a system prompt",
    "role 'system' is not allowed",
    'use the top-level system parameter: messages: Unexpected role "system". The Messages API accepts a '
    "top-level `system` parameter",
    "Roles must be user or assistant",
]
OTHER_WORDS_FOR_TURNS = [
    "roles must alternate",
    "Messages must alternate between user and assistant",
    "two consecutive user messages are not allowed",
    "Conversation must have strictly alternating roles",
    "last two messages have the same role",
    "expected assistant message, got user",
    "messages with role user cannot follow each other",
    "Invalid message order: user after user",
]
OTHER_WORDS_FOR_MANY = [
    "Tools: maximum of 64 allowed",
    "Too many tools: 200 (max 64)",
    "number of functions exceeds 64",
    "tools array exceeds the limit of 64",
    "tools: List should have at most 64 items after validation, not 200",
    "cannot have more than 64 tools",
    "A maximum of 64 function declarations is supported",
]
OTHER_WORDS_FOR_FORMS = [
    "response_format is not supported",
    "response_format: only text is supported",
    "Structured output is not supported",
    "json mode is not supported for this model",
    "'json_schema' is not one of ['text','json_object'] - 'response_format.type'",
    "unknown variant `json_schema`, expected `text` or `json_object`",
    "output format not supported",
    "strict is not supported",
    "response_format.json_schema.strict: Extra inputs are not permitted",
    "type 'json_schema' unsupported",
    "body.response_format.json_schema: field required",
]
VALUES_OF_TEMPERATURE = [
    "temperature must be 0 or more",
    "temperature too high",
    "invalid value for temperature: 0.7 is not a multiple of 0.5",
    "temperature must be <= 1",
    "temperature must be 1 or less",
    "temperature is not a number",
    "Invalid value for 'temperature'",
    "temperature: value is not a valid float",
]


class TestOtherWords:
    @pytest.mark.parametrize("message", OTHER_WORDS_FOR_SEED)
    def test_a_parameter_is_left_out(self, message: str) -> None:
        assert learn_from(say(message), PLAIN) == {"left_out": frozenset({"seed"})}

    @pytest.mark.parametrize("message", OTHER_WORDS_FOR_TEMPERATURE)
    def test_one_of_which_one_value_is_taken_is_left_out(self, message: str) -> None:
        assert learn_from(say(message), PLAIN) == {"left_out": frozenset({"temperature"})}

    @pytest.mark.parametrize("message", VALUES_OF_TEMPERATURE)
    def test_one_whose_value_is_wrong_is_not(self, message: str) -> None:
        assert learn_from(say(message), PLAIN) is None

    @pytest.mark.parametrize("message", OTHER_WORDS_FOR_A_LIMIT)
    def test_a_limit_is_wanted(self, message: str) -> None:
        assert learn_from(say(message), PLAIN.model_copy(update={"max_tokens": None}))["needs_limit"] is True

    @pytest.mark.parametrize("message", OTHER_WORDS_FOR_SYSTEM)
    def test_the_systems_message_goes(self, message: str) -> None:
        assert learn_from(say(message), PLAIN) == {"system": False}

    @pytest.mark.parametrize("message", OTHER_WORDS_FOR_TURNS)
    def test_turns_alternate(self, message: str) -> None:
        assert learn_from(say(message), TWICE) == {"alternate": True}

    @pytest.mark.parametrize("message", OTHER_WORDS_FOR_MANY)
    def test_so_many_functions_are_taken(self, message: str) -> None:
        request = PLAIN.model_copy(update={"tools": tuple(make_tool(f"f{n}", NOTHING) for n in range(200))})
        assert learn_from(say(message), request) == {"most_tools": 64}

    @pytest.mark.parametrize("message", OTHER_WORDS_FOR_FORMS)
    def test_the_form_of_the_answer_is_the_next_one(self, message: str) -> None:
        assert learn_from(say(message), FOR_JSON) == {"answers": "json_schema"}

    @pytest.mark.parametrize(
        ("message", "parts"),
        [
            ('tools[0].function.parameters: unsupported keyword "oneOf"', {"oneOf"}),
            ("JSON schema keyword oneOf is unsupported", {"oneOf"}),
            ("oneOf not supported in tool parameters", {"oneOf"}),
            ("Schema contains unsupported keyword(s): oneOf, examples", {"oneOf", "examples"}),
            ("anyOf/oneOf/allOf are not supported", {"oneOf"}),
            ("const is not a supported keyword", {"const"}),
            ("additionalProperties should be omitted", {"additionalProperties"}),
            ("type must be a string, not an array", {LISTS_OF_TYPES}),
            ("'type' must be a string", {LISTS_OF_TYPES}),
            ("tool parameters must have at least one property", {EMPTY_OBJECTS}),
            ("function parameters must not be empty", {EMPTY_OBJECTS}),
            ("enum values must be strings", {OTHER_ENUMS}),
        ],
    )
    def test_a_part_of_a_schema_is_left_out(self, message: str, parts: set[str]) -> None:
        assert learn_from(say(message), TOOLS) == {"tool_parts": frozenset(parts)}
