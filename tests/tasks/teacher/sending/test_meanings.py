"""What endpoints mean by their failures: bodies as their own trackers and pages show them, and near-misses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.teacher.sending.meanings import FailureReading, read_error_inside, read_failure

NOW = 1_800_000_000.0
PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center><hr>nginx</body></html>"


def error(message: str, **fields: Any) -> dict[str, Any]:
    """The inner part of OpenAI's form, as the SDK gives it."""
    return {"message": message, **fields}


def gemini(status: int, message: str, named: str, details: Any = None) -> list[dict[str, Any]]:
    return [{"error": {"code": status, "message": message, "status": named, "details": details or []}}]


def gemini_quota(*ids: str, delay: str = "36s") -> list[dict[str, Any]]:
    message = (
        "You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: x"
    )
    violations = [{"quotaId": id, "quotaValue": "20"} for id in ids]
    return gemini(
        429, message, "RESOURCE_EXHAUSTED", [{"violations": violations}, {"@type": "RetryInfo", "retryDelay": delay}]
    )


KEYS: list[tuple[int, Any]] = [
    (401, error("Incorrect API key provided: sk-x.", code="invalid_api_key")),
    (401, error("Unauthorized")),  # Mistral
    (401, "Unauthorized"),  # Together, as plain text
    (401, error("No auth credentials found", code=401)),  # OpenRouter
    (401, error("Access denied due to invalid subscription key or wrong API endpoint.", code="401")),  # Azure
    (400, gemini(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT",
                 [{"@type": "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}])),
    (400, gemini(400, "API key expired. Please renew the API key.", "INVALID_ARGUMENT")[0]["error"]),
    (403, error("Your API key was reported as leaked. Please use another API key.", status="PERMISSION_DENIED")),
    (403, error("Country, region, or territory not supported", code="unsupported_country_region_territory")),
    (403, error("You are not allowed to sample from this model: project p")),
    (400, error("Incorrect API key provided: xa***. You can obtain an API key from https://console.x.ai.")),  # xAI
    (401, {"type": "authentication_error", "message": "invalid x-api-key"}),  # Anthropic
    (500, error("litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided")),
    (200, error("Invalid API key", code=401)),
    (200, {"status_code": 1004, "status_msg": "login fail: Please carry the API secret key"}),  # MiniMax
]  # fmt: skip

ACCOUNTS: list[tuple[int, Any]] = [
    (402, error("Insufficient Balance")),  # DeepSeek
    (402, None),
    (200, error("Insufficient credits", code=402)),  # OpenRouter
    (402, error("This request requires more credits, or fewer max_tokens.", code=402)),
    (429, error("You exceeded your current quota, please check your plan and billing details.",
                type="insufficient_quota", code="insufficient_quota")),
    (429, error("litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please "
                "check your plan and billing details. Received Model Group=gpt", type="throttling_error", code="429")),
    (400, {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API."}),
    (400, error("Budget has been exceeded! Current cost: 2, Max budget: 1", type="budget_exceeded")),
    (429, error("ExceededBudget: End User=x over budget. Spend=0.0008, Budget=0.0001", type="budget_exceeded")),
    (429, error("You've reached your account balance limit", type="exceeded_current_quota_error")),  # Moonshot
    (400, error("Please make sure your account is in good standing.", code="Arrearage")),  # DashScope
    (400, error("no", code="billing_hard_limit_reached")),
    (403, error("Your newly created team doesn't have any credits or licenses yet.")),  # xAI
    (412, error("Account x is suspended, possibly due to reaching the monthly spending limit")),  # Fireworks
    (200, {"status_code": 1008, "status_msg": "insufficient balance"}),
    (429, gemini(429, "Quota exceeded for metric: free_tier_requests, limit: 0, model: m", "RESOURCE_EXHAUSTED")),
]  # fmt: skip

QUOTAS: list[tuple[int, Any, dict[str, str], float | None]] = [
    (429, gemini_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), {}, None),  # the wait is a minute's
    (429, gemini_quota("GenerateRequestsPerMinutePerProject", "GenerateRequestsPerDayPerProject"), {}, None),
    (429, error("Rate limit exceeded: free-models-per-day.", code=429), {"x-ratelimit-reset": "1800040000000"}, 40_000),
    (429, error("Rate limit exceeded: free-models-per-day.", code=429, metadata={"headers": {
        "X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800040000000"}}), {}, 40_000),
    (429, error("Rate limit reached for model `m` on tokens per day (TPD): Limit 100000, Used 99000, Requested 3619. "
                "Please try again in 7h12m3.5s. Need more tokens?"), {}, 25_923.5),
    (429, error("Rate limit reached for model `m` on requests per day (RPD): Limit 1000, Used 1000, Requested 1."),
     {"retry-after": "25923"}, 25_923),
    (429, error("You are using a Trial key, which is limited to 1000 API calls / month."), {}, None),  # Cohere
    (429, error("Too many requests"), {"retry-after": "86400"}, 86_400),
    (429, error("Rate limit of 150 per 86400s exceeded for UserByModelByDay. Please wait 42000 seconds before "
                "retrying."), {}, 42_000),  # GitHub
    (429, error("Usage limit reached, try again in 7 hours."), {}, 25_200),
    (429, error("The limit is reached. Come back tomorrow."), {}, None),
    (200, error("Rate limit exceeded: limited to 50 requests per day", code=429), {}, None),
]  # fmt: skip

LIMITS: list[tuple[int, Any, dict[str, str], float | None]] = [
    (429, {"message": "Requests rate limit exceeded"}, {}, None),  # Mistral
    (429, PAGE.format("429 Too Many Requests"), {}, None),
    (429, None, {"retry-after": "7"}, 7),
    (429, gemini_quota("GenerateContentInputTokensPerModelPerMinute-FreeTier"), {}, 36),
    (429, gemini(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"), {}, None),
    (429, error("Rate limit reached for model `m` on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443. "
                "Please try again in 4.77s. Need more tokens?", type="tokens", code="rate_limit_exceeded"), {}, 4.77),
    (429, error("Rate limit reached for model `m` on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. "
                "Please try again in 9m38.016s."), {}, 578.016),  # it fills all day long: some minutes are enough
    (413, error("Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 5012", type="tokens",
                code="rate_limit_exceeded"), {}, None),
    (429, error("Too many requests"), {"retry-after": "3600"}, 3600),
    (429, error("Requests have exceeded the token rate limit. Please retry after 15 seconds."), {}, 15),  # Azure
    (429, error("Slow down: wait 2 minutes"), {}, 120),
    (400, error("litellm.RateLimitError: too many requests", code="400"), {}, None),
    (200, error("Provider returned error: rate-limited upstream", code=429), {}, None),
]  # fmt: skip

OTHERS: list[tuple[str, int, Any]] = [
    ("model", 404, error("The model `m` does not exist or you do not have access to it.", code="model_not_found")),
    ("model", 404, error("model 'm' not found, try pulling it first", type="api_error")),  # Ollama
    ("model", 404, error("The API deployment for this resource does not exist.", code="DeploymentNotFound")),  # Azure
    ("model", 404, error("models/m is not found for API version v1main, or is not supported", status="NOT_FOUND")),
    ("model", 404, error("No endpoints found for m.", code=404)),  # OpenRouter
    ("model", 404, {"type": "not_found_error", "message": "model: m"}),  # Anthropic
    ("model", 400, error("no", code="model_not_found")),
    ("model", 400, error("Invalid model name passed in model=m. Call `/v1/models` to view them.")),  # LiteLLM
    ("model", 400, error("m is not a valid model ID", code=400)),  # OpenRouter
    ("model", 400, error("Model Not Exist", code="invalid_request_error")),  # DeepSeek
    ("model", 403, error("Project `p` does not have access to model `m`", code="model_not_found")),
    ("refused", 400, error("invalid model output", code="invalid_prompt_x")),
    ("no_tools", 404, error("No endpoints found that support tool use. To learn more about provider routing: x")),
    ("no_tools", 400, {"object": "error", "message": '"auto" tool choice requires --enable-auto-tool-choice and '
                       "--tool-call-parser to be set", "type": "BadRequestError"}),
    ("no_tools", 400, error("registry.ollama.ai/library/gemma3:4b does not support tools")),
    ("no_tools", 500, error("tools param requires --jinja flag", code=500, type="server_error")),
    ("no_tools", 400, error("Unrecognized request argument supplied: tools")),
    # What is near it: another thing is refused, or only a part of functions and their calls.
    ("refused", 400, error("tiny does not support images")),
    ("refused", 400, error("Invalid schema for function 'f': 'const' is not permitted in parameters")),
    ("refused", 400, error("Unknown name \"x\" at 'tools[0].function_declarations[0].parameters': Cannot find field.")),
    ("refused", 400, error("tools.0.function.strict: Extra inputs are not permitted")),
    ("refused", 400, error("messages.3.tool_calls.0.index: Extra inputs are not permitted")),
    ("refused", 400, error("messages.4: unexpected `tool_use_id` found in `tool_result` blocks: x")),  # Anthropic
    ("refused", 400, error("Unexpected role 'tool' after role 'user'")),  # Mistral
    ("refused", 400, error("'parallel_tool_calls' is not supported with this model")),
    ("refused", 400, error("tool_choice 'required' is not supported")),
    ("refused", 400, error("the tools of the trade are sharp")),
    ("unparsed", 400, error("error parsing tool call: unexpected end of JSON input")),
    ("moderated", 403, error("m requires moderation on Provider. Your input was flagged for \"violence/graphic\". No "
                             "credits were charged.", code=403, metadata={"reasons": ["violence/graphic"]})),
    ("moderated", 400, error("The response was filtered due to the prompt triggering Azure OpenAI's content "
                             "management policy.", code="content_filter",
                             innererror={"code": "ResponsibleAIPolicyViolation"})),
    ("moderated", 400, error("Input data may contain inappropriate content.", code="data_inspection_failed")),
    ("moderated", 400, error("litellm.ContentPolicyViolationError: blocked")),
    ("moderated", 400, error("Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
                             code="invalid_prompt")),
    ("moderated", 400, error("The prompt was blocked due to: SAFETY")),
    ("moderated", 400, error("no", code="cyber_policy_violation")),
    ("doubtful", 404, PAGE.format("404 Not Found")),
    ("doubtful", 404, {"detail": "Not Found"}),
    ("doubtful", 403, "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"),  # Cloudflare
    ("doubtful", 403, {"message": "Forbidden"}),
    ("doubtful", 401, PAGE.format("401 Authorization Required")),
    ("doubtful", 200, "<html><head><title>Hotel Wi-Fi: sign in</title></head></html>"),
    ("loading", 503, error("Loading model", type="unavailable_error", code=503)),  # llama.cpp
    ("loading", 503, {"error": "Model org/m is currently loading", "estimated_time": 20.0}),  # Hugging Face
    ("loading", 500, "Model is still loading, please wait"),
    ("loading", 404, error("The model m is loading, try again later")),
    ("away", 502, PAGE.format("502 Bad Gateway")),
    ("away", 503, PAGE.format("503 Service Temporarily Unavailable")),
    ("away", 503, error("The model is overloaded. Please try again later.", status="UNAVAILABLE")),  # Gemini
    ("away", 529, {"type": "overloaded_error", "message": "Overloaded"}),  # Anthropic
    ("away", 503, "upstream connect error or disconnect/reset before headers"),  # Envoy
    *(("away", status, PAGE.format("Web server is down")) for status in (520, 521, 522, 523, 525, 530)),
    *(("slow", status, PAGE.format("A timeout occurred")) for status in (504, 524)),
    ("slow", 408, error("Your request timed out")),
    ("slow", 499, None),
    ("unparsed", 400, error("Failed to call a function. Please adjust your prompt.", code="tool_use_failed",
                            failed_generation="<function=x{}</function>")),
    ("unparsed", 400, error("Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed")),
    ("unparsed", 500, {"error": "error parsing tool call: raw='{\"a\": 1}]', err=invalid character ']'"}),  # Ollama
    ("unparsed", 500, error("Failed to parse input at pos 1360: <tool_call>", code=500)),  # llama.cpp
    ("unparsed", 400, error("Failed to generate tool_call")),  # Cerebras
    ("unparsed", 500, error("Failed to parse fc related info to json format!")),  # SGLang
    ("refused", 400, error("Failed to parse JSON request body")),
    ("refused", 400, error("only one model is loaded at a time")),
    ("unparsed", 500, error("Failed to parse tool call arguments as JSON: [json.exception.parse_error.101]")),
    ("passing", 498, error("m is currently over capacity. Please try again and back off exponentially.",
                           type="internal_server_error", code="capacity_exceeded")),  # Groq
    ("passing", 424, error("Failed dependency")),
    ("passing", 500, error("The server had an error while processing your request", type="server_error")),
    ("passing", 500, error("the server had an error with your API key", type="server_error")),
    ("passing", 413, error("Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 7012")),
    ("passing", 200, error("Provider returned error")),
    ("refused", 400, error("This model's maximum context length is 8192 tokens.", code="context_length_exceeded")),
    ("refused", 413, error("Payload too large")),
    ("refused", 400, error("the key 'name' is missing", code="invalid_request_error")),
    ("refused", 422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 5}]}),
    ("refused", 400, error("Invalid schema for function 'getKey': 'api_key' is a required property")),
    ("refused", 422, error("insufficient_quota is only in the message")),
    ("refused", 400, error("temperature: daily is not a number")),
]  # fmt: skip


def read(status: int, body: Any, headers: dict[str, str] | None = None) -> FailureReading:
    return read_failure(status, body, headers, NOW)


@pytest.mark.parametrize(("status", "body"), KEYS, ids=lambda value: str(value)[:60])
def test_a_bad_key_is_one_whatever_it_comes_as(status: int, body: Any) -> None:
    assert read(status, body).means == "key"


@pytest.mark.parametrize(("status", "body"), ACCOUNTS, ids=lambda value: str(value)[:60])
def test_so_is_an_empty_account(status: int, body: Any) -> None:
    assert read(status, body).means == "account"


@pytest.mark.parametrize(("status", "body", "headers", "wait_s"), QUOTAS, ids=lambda value: str(value)[:60])
def test_a_quota_of_hours_is_no_limit_to_wait_for(
    status: int, body: Any, headers: dict[str, str], wait_s: float | None
) -> None:
    found = read(status, body, headers)
    assert (found.means, found.wait_s) == ("quota", wait_s)


@pytest.mark.parametrize(("status", "body", "headers", "wait_s"), LIMITS, ids=lambda value: str(value)[:60])
def test_a_limit_is_waited_for_as_long_as_is_said_wherever_it_is(
    status: int, body: Any, headers: dict[str, str], wait_s: float | None
) -> None:
    found = read(status, body, headers)
    assert (found.means, found.wait_s) == ("limit", wait_s)


@pytest.mark.parametrize(("means", "status", "body"), OTHERS, ids=lambda value: str(value)[:60])
def test_all_else_is_told_apart(means: str, status: int, body: Any) -> None:
    assert read(status, body).means == means


def test_what_a_user_or_a_model_wrote_means_nothing() -> None:
    said = "Incorrect API key provided. Loading model. insufficient_quota. content_filter. rate limit per day"
    for body in (
        {"detail": [{"msg": "not permitted", "input": said}]},
        error("Failed to call a function.", code="tool_use_failed", failed_generation=said),
        error(f"[{{'msg': 'not permitted', 'input': '{said}'}}]"),
    ):
        assert read(400, body).means in ("refused", "unparsed")


def test_a_page_is_known_by_its_title() -> None:
    found = read(502, PAGE.format("502 Bad  Gateway"))
    assert (found.said, found.is_page) == ("502 Bad Gateway", True)
    assert read(502, "<body>gone\nfishing</body>").said == "gone fishing"
    assert not read(502, "a < b").is_page


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"error": {"message": "no", "code": 402}}, (402, {"message": "no", "code": 402})),
        ({"error": {"message": "no", "code": "429"}}, (429, {"message": "no", "code": "429"})),
        ({"error": "no"}, (200, "no")),
        ({"error": {"code": "invalid_api_key"}}, (200, {"code": "invalid_api_key"})),
        ([{"error": {"code": 400}}], (400, {"code": 400})),
        ({"object": "error", "message": "no", "code": 404}, (404, {"object": "error", "message": "no", "code": 404})),
        ({"code": 500, "message": "no"}, (500, {"code": 500, "message": "no"})),
        ({"detail": "no"}, (200, "no")),
        ({"code": 1301, "msg": "no"}, (200, {"code": 1301, "msg": "no"})),
        ({"base_resp": {"status_msg": "no"}, "choices": None}, (200, {"status_msg": "no"})),
        ({"error": None, "id": "x"}, None),
        ({"choices": [{}], "error": {"code": 502}}, None),  # it holds an answer as well
        ({"choices": None}, None),
        ([], None),
        ("no", None),
        (None, None),
    ],
)
def test_an_error_inside_of_a_200_is_found_with_its_status(body: Any, found: Any) -> None:
    assert read_error_inside(body) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["message", "code", "error", "details", "headers", "retryDelay", "x"]), inner)
    ),
    max_leaves=20,
)


@given(st.integers(100, 599), JSON)
def test_no_body_is_too_strange_to_read(status: int, body: Any) -> None:
    found = read(status, body)
    assert found.wait_s is None or found.wait_s >= 0
    read_error_inside(body)


def test_a_body_nested_too_deeply_and_one_without_an_end_are_read_soon() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"error": [deep]}
    assert read(400, deep).means == "refused"
    assert read(400, error("model is " * 1_000_000)).means == "refused"
    assert read(502, "<html>" + "<title>" * 1_000_000).means == "away"
    assert read(400, json.loads('{"message": ' + "[" * 900 + "]" * 900 + "}")).means == "refused"
