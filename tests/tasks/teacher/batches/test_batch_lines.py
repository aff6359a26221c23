"""A batch's files, line by line: whose answer a line is, and what each kind of failure means for its request."""

import json
from typing import Any

import pytest
from openai.types import Batch
from pydantic import SecretStr

from schemas.calls import Completion
from schemas.teacher import TeacherSettings
from tasks.teacher.batches.batch_lines import LineReader, Outcome, build_line
from tasks.teacher.sending.retries import EndpointError
from tests.tasks.teacher.endpoints import build_answer

KEY = "sk-marked-4711"
SETTINGS = TeacherSettings(model="tiny", base_url="http://h/v1")
READER = LineReader(SETTINGS, "http://h/v1", SecretStr(KEY))


def answer(custom_id: str, body: Any, status: Any = 200) -> dict[str, Any]:
    return {
        "id": "batch_req_1",
        "custom_id": custom_id,
        "response": {"status_code": status, "body": body},
        "error": None,
    }


def fail(custom_id: str, error: Any) -> dict[str, Any]:
    return {"id": "batch_req_1", "custom_id": custom_id, "response": None, "error": error}


def read(*lines: Any, keys: tuple[str, ...] = ("a", "b", "c")) -> dict[str, Outcome]:
    content = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return dict(READER.read([content], keys))


def read_failure(line: Any) -> EndpointError:
    outcomes = read(line)
    assert list(outcomes) == ["a"]
    outcome = outcomes["a"]
    assert isinstance(outcome, EndpointError)
    assert KEY not in str(outcome)
    assert "\n" not in str(outcome)
    return outcome


def make_batch(status: str, **fields: Any) -> Batch:
    given = {"id": "batch_1", "completion_window": "24h", "created_at": 1, "endpoint": "/v1/chat/completions",
             "input_file_id": "file-1", "object": "batch", "status": status, **fields}  # fmt: skip
    return Batch.model_validate(given)


def test_a_line_is_one_line_of_ascii_that_posts_a_completion() -> None:
    line = build_line("1-abc", {"model": "tiny", "messages": [{"role": "user", "content": "a\nb\u2028ü"}]})
    assert line.isascii()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b'{"custom_id":"1-abc","method":"POST"' in line  # files have a limit of bytes: no space is spent on looks
    assert json.loads(line) == {
        "custom_id": "1-abc",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "tiny", "messages": [{"role": "user", "content": "a\nb\u2028ü"}]},
    }


@pytest.mark.parametrize(("key", "custom_id"), [("k" * 64, "k" * 64), ("1" + "k" * 64, "k" * 64), ("1-ab", "1-ab")])
def test_an_id_has_sixty_four_characters_at_most_and_its_answer_is_found_again(key: str, custom_id: str) -> None:
    assert json.loads(build_line(key, {}))["custom_id"] == custom_id
    assert list(read(answer(custom_id, build_answer()), keys=(key,))) == [key]


def test_answers_are_told_by_their_ids_in_whatever_order_and_file_they_stand() -> None:
    one = json.dumps(answer("c", build_answer("third"))).encode()
    other = b"\n".join(json.dumps(answer(name, build_answer(name))).encode() for name in ("b", "a"))
    outcomes = dict(READER.read([one, other], ["a", "b", "c"]))
    assert {key: made.content for key, made in outcomes.items() if isinstance(made, Completion)} == {
        "a": "a", "b": "b", "c": "third"
    }  # fmt: skip


def test_what_is_nobodys_or_torn_is_passed_over() -> None:
    torn = json.dumps(answer("b", build_answer())).encode()[:-9]
    odd = [b"", b"7", b"null", b'["a"]', b"\xff", answer("z", build_answer()), {"response": {}}, torn]
    outcomes = read(*odd, answer("a", build_answer("Hello.")), b"")
    assert list(outcomes) == ["a"]


def test_an_answer_says_that_it_came_in_a_batch() -> None:
    outcome = read(answer("a", build_answer("Hello.")))["a"]
    assert isinstance(outcome, Completion)
    assert (outcome.content, outcome.model, outcome.usage.prompt) == ("Hello.", "tiny-2025-01-01", 10)
    assert outcome.batched


@pytest.mark.parametrize("body", [None, {}, "text", {"choices": []}, {"choices": [{"message": None}]}])
def test_an_answer_that_is_none_is_worth_another_batch(body: Any) -> None:
    error = read_failure(answer("a", body))
    assert (error.retried, error.fatal, error.is_limit) == (True, False, False)


@pytest.mark.parametrize(
    ("status", "retried", "fatal", "is_limit"),
    [
        (400, False, False, False),
        (401, False, True, False),
        (404, False, False, False),  # one line alone says nothing of the address
        (408, True, False, False),
        (409, True, False, False),
        (422, False, False, False),
        (429, True, False, True),
        (500, True, False, False),
        (503, True, False, False),
        (201, False, False, False),  # nobody says what an answer of this status would be
    ],
)
def test_a_failed_line_is_judged_by_its_status_as_online(
    status: int, retried: bool, fatal: bool, is_limit: bool
) -> None:
    said = {"error": {"message": f"no, and the key is {KEY}", "code": "odd", "param": "seed"}}
    error = read_failure(answer("a", said, status))
    assert (error.status, error.retried, error.fatal, error.is_limit) == (status, retried, fatal, is_limit)
    assert f"{status}: no, and the key is ***" in str(error)


def test_a_refusal_tells_what_was_refused() -> None:
    said = {"error": {"message": "Unsupported parameter", "code": "unsupported_parameter", "param": "max_tokens"}}
    assert read_failure(answer("a", said, 400)).said == "max_tokens unsupported_parameter Unsupported parameter"
    assert "400: bare" in str(read_failure(answer("a", {"message": "bare"}, 400)))
    assert "400: text" in str(read_failure(answer("a", "text", 400)))


@pytest.mark.parametrize("status", [None, "200", "400", [200]])
def test_a_status_that_is_no_number_counts_as_the_servers_fault(status: Any) -> None:
    error = read_failure(answer("a", build_answer(), status))
    assert (error.status, error.retried) == (500, True)


@pytest.mark.parametrize(
    ("problem", "retried", "text"),
    [
        ({"code": "batch_expired", "message": "too late"}, True, "batch_expired: too late"),
        ({"code": "batch_cancelled", "message": "stopped"}, False, "batch_cancelled: stopped"),
        ({"code": None, "message": f"with {KEY}"}, True, "None: with ***"),
        ("lost", True, "None: lost"),
        (None, True, "None: None"),
    ],
)
def test_a_line_without_a_response_is_worth_another_batch_unless_it_was_cancelled(
    problem: Any, retried: bool, text: str
) -> None:
    error = read_failure(fail("a", problem))
    assert str(error) == f"http://h/v1 answered {text}"
    assert (error.retried, error.fatal, error.status) == (retried, False, None)


class TestRequestsWithoutALine:
    @pytest.mark.parametrize(
        ("status", "retried", "text"),
        [
            ("completed", True, "has no answer to this request"),
            ("expired", True, "expired before it got to this request"),
            ("cancelled", False, "was cancelled before it got to this request"),
            ("failed", False, "failed and the endpoint does not say why"),
        ],
    )
    def test_how_the_batch_ended_says_whether_another_is_worth_it(self, status: str, retried: bool, text: str) -> None:
        error = READER.explain_missing(make_batch(status))
        assert str(error) == f"http://h/v1: batch batch_1 {text}"
        assert (error.retried, error.fatal, error.status) == (retried, False, None)

    @pytest.mark.parametrize(
        ("code", "status", "retried", "fatal"),
        [
            ("token_limit_exceeded", 429, True, False),
            ("token_limit", 400, False, False),
            ("invalid_line", 400, False, False),
            ("model_not_found", 400, False, True),
        ],
    )
    def test_a_batch_that_was_turned_down_is_by_its_first_problem(
        self, code: str, status: int, retried: bool, fatal: bool
    ) -> None:
        problems = [{"code": name, "message": f"about {name}", "param": "model"} for name in (code, "invalid_model")]
        error = READER.explain_missing(make_batch("failed", errors={"object": "list", "data": problems}))
        assert (error.status, error.retried, error.fatal) == (status, retried, fatal)
        assert f"{status}: batch batch_1 failed: about {code}" in str(error)
        assert "invalid_model" not in str(error)

    @pytest.mark.parametrize("errors", [None, {"object": "list", "data": []}, {"object": "list", "data": None}])
    def test_a_batch_that_was_turned_down_without_a_word_is_not_sent_again(self, errors: Any) -> None:
        error = READER.explain_missing(make_batch("failed", errors=errors))
        assert "does not say why" in str(error)
        assert not error.retried


@pytest.mark.parametrize(
    "line",
    [
        b'{"custom_id": "a", "response": ' + b"[" * 100_000,
        b'{"custom_id": ' + b"[" * 100_000,
        b'{"custom_id": ["a"]}',
        b'{"custom_id": {"a": 1}, "response": null}',
    ],
)
def test_a_line_that_cannot_be_read_costs_no_other(line: bytes) -> None:
    assert list(read(line, answer("b", build_answer("Hello.")))) == ["b"]


@pytest.mark.parametrize("status", [10**30, -1, 99, 600, "200", [200], 2.5, None])
def test_a_status_that_is_none_is_a_failure_in_passing(status: Any) -> None:
    assert read_failure(answer("a", {"error": {"message": "no"}}, status)).retried


def test_what_a_line_says_is_short_and_moves_no_cursor() -> None:
    failure = read_failure(fail("a", {"code": ["x" * 1000], "message": "\x1b[2J" + "x" * 100_000}))
    assert len(str(failure)) < 600
    assert str(failure).isprintable()


@pytest.mark.parametrize("levels", [400, 600, 900])
def test_a_body_that_is_nested_too_deeply_is_no_answer(levels: int) -> None:
    deep = b"[" * levels + b"]" * levels
    line = b'{"custom_id": "a", "response": {"status_code": 200, "body": {"choices": ' + deep + b"}}}"
    assert all(isinstance(outcome, EndpointError) for outcome in read(line).values())


@pytest.mark.parametrize("errors", ["lost", 7, {"data": "lost"}, {"data": ["lost"]}, {"data": [{"code": ["x"]}]}, []])
def test_a_batch_that_failed_may_say_so_in_any_shape(errors: Any) -> None:
    shown = Batch.construct(id="batch_1", status="failed", errors=errors)
    assert "failed" in str(READER.explain_missing(shown))
