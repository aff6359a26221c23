"""What is made of a failure: whether it ends the run, the request or the attempt, and in which words."""

import json
import re
from itertools import pairwise
from typing import Any

import httpx2
import openai
import pytest
from pydantic import SecretStr

from schemas.calls import Usage
from schemas.teacher import TeacherSettings
from tasks.teacher.response_reading import BadAnswerError
from tasks.teacher.sending.failures import explain_failure
from tasks.teacher.sending.retries import EndpointError

KEY = "sk-marked-4711"
SETTINGS = TeacherSettings(model="tiny", base_url="http://host/v1", api_key_env="TINY_KEY", timeout_s=7)
REQUEST = httpx2.Request("POST", "http://host/v1/chat/completions")


async def catch(response: httpx2.Response | Exception, *, follow_redirects: bool = True) -> Exception:
    """What the SDK raises for a response, or for what its transport raises."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        if isinstance(response, Exception):
            raise response
        return response

    http_client = openai.DefaultAsyncHttpxClient(
        transport=httpx2.MockTransport(answer), follow_redirects=follow_redirects
    )
    async with openai.AsyncOpenAI(
        api_key=KEY, base_url="http://host/v1", max_retries=0, http_client=http_client
    ) as client:
        try:
            await client.post("/chat/completions", body={}, cast_to=httpx2.Response)
        except Exception as error:
            return error
    raise AssertionError("nothing was raised")


async def explain(status: int, body: Any = None, headers: dict[str, str] | None = None) -> EndpointError:
    response = httpx2.Response(status, json=body, headers=headers)
    return explain_failure(await catch(response), SETTINGS, "http://host/v1", SecretStr(KEY))


def explain_error(error: Exception, settings: TeacherSettings = SETTINGS) -> EndpointError:
    return explain_failure(error, settings, "http://host/v1", SecretStr(KEY))


def error(message: str = "no", code: Any = None, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, **fields}}


class TestWhatEndsTheRun:
    @pytest.mark.parametrize(
        ("status", "body", "text"),
        [
            (401, error("bad key"), "refuses the API key in the environment variable TINY_KEY (401: bad key)"),
            (403, error("no access with this API key"), "TINY_KEY (403: no access with this API key): set it"),
            (402, error("pay"), "TINY_KEY has no credit left at http://host/v1 (402: pay)"),
            (429, error("pay", "insufficient_quota"), "TINY_KEY has no credit left at http://host/v1 (429: pay)"),
            (
                400,
                error("pay", "billing_hard_limit_reached"),
                "TINY_KEY has no credit left at http://host/v1 (400: pay",
            ),
            (404, error("no such model"), "http://host/v1 has no model 'tiny' (404: no such model): name another"),
            (
                400,
                error("tiny does not support tools"),
                "'tiny' cannot call functions at http://host/v1 (400: tiny",
            ),
            (429, error("10 a day", status="PerDay"), "a quota of http://host/v1 is used up (429: 10 a day): what is"),
            (400, error("what?", "model_not_found"), "http://host/v1 has no model 'tiny' (400: what?)"),
            (400, error("what?", "invalid_model"), "http://host/v1 has no model 'tiny' (400: what?)"),
            (400, error("what?", "model_not_supported"), "http://host/v1 has no model 'tiny' (400: what?)"),
        ],
    )
    async def test_a_bad_key_no_credit_a_long_quota_an_unknown_model_and_one_without_tools_do(
        self, status: int, body: Any, text: str
    ) -> None:
        failure = await explain(status, body)
        assert text in str(failure)
        assert (failure.fatal, failure.retried, failure.status) == (True, False, status)

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (400, error("the key 'name' is missing", "invalid_request_error")),
            (400, error("too long", "context_length_exceeded", param="messages")),
            (400, error("not with this model", "unsupported_parameter")),
            (400, error("invalid model output", "invalid_prompt")),
            (405, error()),
            (407, error()),
            (410, error()),
            (413, error("too large")),
            (422, error("insufficient_quota is only in the message")),
        ],
    )
    async def test_a_refused_request_is_the_end_of_the_request_only(self, status: int, body: Any) -> None:
        failure = await explain(status, body)
        assert (failure.fatal, failure.retried) == (False, False)
        assert str(failure).startswith(f"http://host/v1 answered {status}: ")

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (408, error()),
            (409, error()),
            (425, error()),
            (429, error("slow down", "rate_limit_exceeded")),
            (429, error("slow down", 429)),
            (500, error("the server had an error with your API key", "server_error")),
            (503, error("model is overloaded", "model_overloaded")),
            (529, None),
        ],
    )
    async def test_what_may_pass_is_the_end_of_the_attempt_only(self, status: int, body: Any) -> None:
        failure = await explain(status, body, {"retry-after": "7"})
        assert (failure.fatal, failure.retried, failure.wait_s) == (False, True, 7)
        assert failure.is_limit == (status == 429)


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        ("location", "named"),
        [
            ("http://elsewhere/v1/chat/completions", "http://elsewhere/v1"),
            ("https://me:secret@elsewhere/v1/chat/completions?key=secret", "https://elsewhere/v1"),
            ("/v2/chat/completions", "http://host/v2"),
            ("https://elsewhere/login", "https://elsewhere/login"),
            (f"https://elsewhere/{KEY}", "https://elsewhere/***"),
            ("https://elsewhere/\u202ex", "https://elsewhere/"),
        ],
    )
    async def test_they_end_the_run_and_name_the_new_address(self, status: int, location: str, named: str) -> None:
        response = httpx2.Response(status, headers={b"location": location.encode()})
        failure = explain_error(await catch(response, follow_redirects=False))
        assert str(failure).startswith(f"http://host/v1 sends requests on to {named}")
        assert "--teacher.base_url" in str(failure)
        assert "secret" not in str(failure)
        assert str(failure).isprintable()
        assert (failure.fatal, failure.retried, failure.status) == (True, False, status)

    async def test_one_that_leads_nowhere_is_a_refusal(self) -> None:
        failure = explain_error(await catch(httpx2.Response(304), follow_redirects=False))
        assert (str(failure), failure.fatal) == ("http://host/v1 answered 304", False)

    @pytest.mark.parametrize("location", ["http://[", "http://\xff", "x" * 100_000, "\x01:"])
    async def test_an_address_that_is_none_raises_nothing(self, location: str) -> None:
        response = httpx2.Response(307, headers={b"location": location.encode("latin-1")})
        assert len(str(explain_error(await catch(response, follow_redirects=False)))) < 1000


class TestWords:
    @pytest.mark.parametrize("part", ["message", "detail", "error", "code", "param", "other"])
    async def test_what_is_nested_too_deeply_to_be_written_is_not_told(self, part: str) -> None:
        deep = b"[" * 900 + b"]" * 900
        for body in (b'{"error": {"%s": %s}}', b'{"%s": %s}'):
            response = httpx2.Response(400, content=body % (part.encode(), deep))
            assert str(explain_error(await catch(response))).startswith("http://host/v1 answered 400")

    async def test_they_move_no_cursor(self) -> None:
        body = json.dumps(error("a\x1b]0;b\x07\x1b[2J\u202e\x9bc\0 d\ud83d 猫")).encode()
        text = str(explain_error(await catch(httpx2.Response(400, content=body))))
        assert text == "http://host/v1 answered 400: a ]0;b [2J c d? 猫"

    @pytest.mark.parametrize(
        ("told", "wait_s"),
        [("7", 7), ("7200", 3600), ("2764801", None), ("9" * 15, None), ("1e308", None), ("nan", None), ("-1", None),
         ("Fri, 31 Dec 9999 23:59:59 GMT", None)],
    )  # fmt: skip
    async def test_an_absurd_wait_was_not_asked_for(self, told: str, wait_s: float | None) -> None:
        assert (await explain(503, error(), {"retry-after": told})).wait_s == wait_s

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ({"error": {"message": "no such\n  thing"}}, "answered 400: no such thing"),
            ({"detail": [{"msg": "too many"}]}, "answered 400: [{'msg': 'too many'}]"),
            ({"detail": "Not so"}, "answered 400: Not so"),
            ({"error": "plain"}, "answered 400: plain"),
            ({"error": {"error": "plain", "more": 1}}, "answered 400: plain"),
            ({"message": "plain", "detail": "more"}, "answered 400: plain"),
            ({"reason": "other"}, "answered 400: {'reason': 'other'}"),
            (["a", "list"], "answered 400: ['a', 'list']"),
            ([{"error": {"code": 400, "message": "plain"}}], "answered 400: plain"),
            ({}, "answered 400"),
        ],
    )
    async def test_the_endpoints_own_are_found_wherever_it_puts_them(self, body: Any, text: str) -> None:
        assert str(await explain(400, body)) == f"http://host/v1 {text}"

    async def test_a_quota_says_when_it_is_there_again(self) -> None:
        text = str(await explain(429, error("50 per day"), {"retry-after": "40000"}))
        assert re.search(
            r"is used up until 20\d\d-\d\d-\d\d \d\d:\d\d UTC \(in 11 h 07 min\) \(429: 50 per day\)", text
        )

    async def test_without_a_body_the_status_has_to_do(self) -> None:
        error = await catch(httpx2.Response(400, content=b""))
        assert str(explain_error(error)) == "http://host/v1 answered 400"

    async def test_a_page_of_a_proxy_is_shown_by_its_title(self) -> None:
        error = await catch(httpx2.Response(502, html="<html><h1>Bad\nGateway</h1><p>So sorry.</p></html>"))
        assert str(explain_error(error)) == "http://host/v1 answered 502: a page, 'Bad Gateway'"

    @pytest.mark.parametrize(("length", "ends"), [(500, "x"), (501, "…")])
    async def test_they_are_cut_at_500_characters(self, length: int, ends: str) -> None:
        text = str(await explain(400, error("x" * length))).removeprefix("http://host/v1 answered 400: ")
        assert (len(text), text[-1]) == (500, ends)

    async def test_the_key_goes_before_they_are_cut(self) -> None:
        text = str(await explain(400, error("x" * 495 + KEY)))
        assert "sk-" not in text
        assert text.endswith("x***")

    async def test_what_was_refused_is_kept_by_parameter_code_and_message(self) -> None:
        assert (await explain(400, error("No.", "bad", param="seed"))).said == "seed bad No."
        assert (await explain(400, error("No.", 400, param=None))).said == "No."
        assert (await explain(400, error(f"No {KEY}"))).said == "No ***"

    @pytest.mark.parametrize("code", [[None], {"name": "insufficient_quota"}])
    async def test_a_code_that_is_none_is_only_told(self, code: Any) -> None:
        failure = await explain(400, error("No.", code))
        assert (failure.fatal, str(failure)) == (False, "http://host/v1 answered 400: No.")

    async def test_a_key_from_a_block_is_named_by_it(self) -> None:
        settings = SETTINGS.model_copy(update={"api_key_block": "teacher-key"})
        failure = explain_failure(
            await catch(httpx2.Response(401, json=error())), settings, "http://host/v1", SecretStr(KEY)
        )
        assert "the Prefect Secret block 'teacher-key'" in str(failure)


def chain(*errors: BaseException) -> Any:
    """The first error, caused by the second, and so on."""
    for one, cause in pairwise(errors):
        one.__cause__ = cause
    return errors[0]


class TestConnections:
    @pytest.mark.parametrize("cause", [httpx2.ReadTimeout("slow"), httpx2.PoolTimeout("slow")])
    async def test_no_answer_in_time_is_a_late_one(self, cause: Exception) -> None:
        failure = explain_error(await catch(cause))
        assert str(failure) == "http://host/v1 gave no answer within 7 s"
        assert (failure.retried, failure.late, failure.status, failure.fatal) == (True, True, None, False)

    async def test_a_connection_that_was_not_made_in_time_is_an_endpoint_out_of_reach(self) -> None:
        failure = explain_error(await catch(httpx2.ConnectTimeout("slow")))
        assert str(failure) == "http://host/v1 cannot be reached: no connection within 7 s"
        assert (failure.retried, failure.late, failure.is_away) == (True, False, True)

    def test_so_is_one_that_ran_into_our_own_time_out(self) -> None:
        for error in (TimeoutError(), chain(openai.APIConnectionError(request=REQUEST), TimeoutError(), OSError())):
            assert explain_error(error).late

    @pytest.mark.parametrize(
        "cause",
        [
            httpx2.ConnectError("refused"),
            httpx2.ReadError("reset"),
            httpx2.RemoteProtocolError("closed"),
            OSError("no"),
        ],
    )
    async def test_a_connection_that_breaks_is_not_late_but_tried_again(self, cause: Exception) -> None:
        failure = explain_error(await catch(cause))
        assert str(failure) == f"http://host/v1 cannot be reached: {type(cause).__name__}: {cause}"
        assert (failure.retried, failure.late, failure.status, failure.fatal) == (True, False, None, False)

    def test_one_that_was_closed_is_not_late_though_a_time_out_was_made_of_it(self) -> None:
        error = chain(openai.APITimeoutError(request=REQUEST), httpx2.ReadTimeout(""), ConnectionResetError("closed"))
        failure = explain_error(error)
        assert str(failure) == "http://host/v1 cannot be reached: ConnectionResetError: closed"
        assert (failure.retried, failure.late) == (True, False)

    def test_the_key_is_in_no_address_that_could_not_be_reached(self) -> None:
        assert KEY not in str(explain_error(OSError(f"http://{KEY}@host")))


class TestOthers:
    def test_an_answer_that_is_none_is_asked_for_again(self) -> None:
        failure = explain_error(BadAnswerError(f"the response has no choices: {KEY}"))
        assert str(failure) == "http://host/v1: the response has no choices: ***"
        assert (failure.retried, failure.fatal, failure.status, failure.late) == (True, False, None, False)

    @pytest.mark.parametrize(
        ("body", "means", "text"),
        [
            (
                {"error": {"message": "Insufficient credits", "code": 402}},
                "account",
                "no credit left at http://host/v1",
            ),
            ([{"error": {"message": "API key not valid.", "code": 400}}], "key", "refuses the API key"),
            (
                {"error": {"message": "Provider returned error", "code": 502}},
                "away",
                "answered 200 with an error in it",
            ),
            (
                {"error": {"message": "Overloaded", "code": 429}},
                "limit",
                "answered 200 with an error in it: Overloaded",
            ),
            ({"error": "upset"}, "passing", "answered 200 with an error in it: upset"),
            ({"id": "x"}, None, "http://host/v1: no choices"),
            ("<html>", None, "http://host/v1: no choices"),
        ],
    )
    def test_an_error_inside_of_a_200_counts_as_what_it_says(self, body: Any, means: str | None, text: str) -> None:
        failure = explain_failure(
            BadAnswerError("no choices"), SETTINGS, "http://host/v1", SecretStr(KEY), json.dumps(body).encode()
        )
        assert (failure.means, text in str(failure)) == (means, True)
        assert failure.retried == (means not in ("account", "key"))

    def test_an_answer_that_is_none_may_tell_what_it_took(self) -> None:
        body = json.dumps({"choices": None, "usage": {"prompt_tokens": 7, "completion_tokens": 2}}).encode()
        failure = explain_failure(BadAnswerError("no choices"), SETTINGS, "http://host/v1", SecretStr(KEY), body)
        assert failure.used == Usage(prompt=7, completion=2)

    @pytest.mark.parametrize(
        ("error", "retried"),
        [
            (RuntimeError("transport closed"), True),
            (KeyError("x"), True),
            (ValueError("not JSON"), False),
            (TypeError("not JSON"), False),
            (UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates"), False),
        ],
    )
    def test_what_a_transport_raises_may_pass_and_a_request_that_cannot_be_written_will_not(
        self, error: Exception, retried: bool
    ) -> None:
        failure = explain_error(error)
        assert str(failure).startswith(f"http://host/v1 failed: {type(error).__name__}: ")
        assert (failure.retried, failure.fatal) == (retried, False)

    def test_a_bug_of_the_embedded_teacher_will_not_pass(self) -> None:
        assert not explain_error(RuntimeError("a bug"), TeacherSettings()).retried
        assert explain_error(OSError("no file"), TeacherSettings()).retried

    def test_nothing_of_them_holds_the_key(self) -> None:
        assert KEY not in str(explain_error(RuntimeError(KEY)))
