"""A build that accepts nothing is a failure, and one that is stopped by its endpoint ends in order."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from flows.advice import advise, count_causes
from flows.build_dataset import build_dataset
from flows.build_toolset import build_toolset
from schemas.errors import FatalTeacherError, NothingAcceptedError, RunStoppedError, ToolHerdError
from schemas.parameters import BuildToolsetParams
from schemas.steps import BuildSummary, ToolsetSummary
from tasks.datasets import DataRoot
from tasks.embedded.app import answer_chat
from tests.flows.parts import NAMES, make_params, read_rows
from tests.flows.runs import Workplace
from tests.tasks.teacher.endpoints import Endpoint, fail, serve

Bend = Callable[[dict[str, Any], dict[str, Any]], Response | None]


def answer_as(bend: Bend) -> Endpoint:
    """The embedded teacher over HTTP, with what `bend` makes of request and answer where it makes something."""

    def reply(body: dict[str, Any]) -> Response:
        answer = json.loads(answer_chat(json.dumps({**body, "model": "offline"}).encode())[1])
        return bend(body, answer) or JSONResponse(answer)

    return Endpoint(last=reply)


def call_nothing(body: dict[str, Any], answer: dict[str, Any]) -> Response | None:
    """No function is called in an episode, though the probe's was."""
    if body.get("tools") and body["tools"][0]["function"]["name"] != "searchStations":
        answer["choices"][0] |= {"finish_reason": "stop", "message": {"role": "assistant", "content": "I cannot tell."}}
    return None


def refuse_tools(body: dict[str, Any], answer: dict[str, Any]) -> Response | None:
    return fail(404, "No endpoints found that support tool use.")(body) if body.get("tools") else None


def at(url: str, **more: Any) -> Any:
    only_calls = {"missing_detail": 0, "no_tool": 0, "error_recovery": 0}
    return make_params(teacher={"model": "tiny", "base_url": url, "api_key_env": "TINY_KEY"}, shares=only_calls, **more)


@pytest.mark.usefixtures("prefect")
class TestRuns:
    async def test_rows_of_which_none_is_accepted_are_written_beside_and_latest_stays(
        self, data_root: DataRoot
    ) -> None:
        await build_dataset(make_params())
        with serve(answer_as(call_nothing)) as url:
            for _ in range(2):  # the second time everything is found as it was
                with pytest.raises(NothingAcceptedError, match=r"none of 8 rows was accepted.*--jinja") as raised:
                    await build_dataset(at(url))
                summary = raised.value.summary
                assert isinstance(summary, BuildSummary)
                assert (summary.dataset.version, summary.accepted, summary.rejected) == ("v2", 0, 8)
        assert isinstance(summary, BuildSummary)
        assert {reason for row in read_rows(data_root, summary.dataset) for reason in row.reasons} >= {"no_tool_call"}
        assert data_root.path("datasets", "toolherd", "latest").read_text() == "v1\n"

    async def test_the_first_version_of_a_dataset_is_no_latest_without_an_accepted_row(
        self, data_root: DataRoot
    ) -> None:
        with serve(answer_as(call_nothing)) as url, pytest.raises(NothingAcceptedError):
            await build_dataset(at(url, names=NAMES[:1]))
        assert not data_root.path("datasets", "toolherd", "latest").exists()
        assert (await build_dataset(make_params(names=NAMES[:1]))).dataset.version == "v2"
        assert data_root.path("datasets", "toolherd", "latest").read_text() == "v2\n"

    async def test_no_api_at_all_is_told_by_its_causes_each_once(self, data_root: DataRoot) -> None:
        with serve(Endpoint(last=fail(500, "upset"))) as url:
            teacher = {"model": "tiny", "base_url": url, "api_key_env": "TINY_KEY", "attempts": 1}
            with pytest.raises(ToolHerdError, match=r"^none of 2 APIs came through.*upset.*\(2 APIs\)$"):
                await build_dataset(make_params(teacher=teacher))
            params = {"names": NAMES[:2], "apis": "all", "teacher": teacher}
            with pytest.raises(NothingAcceptedError, match="none of 2 APIs came through") as raised:
                await build_toolset(BuildToolsetParams.model_validate(params))
        assert isinstance(raised.value.summary, ToolsetSummary)
        assert not data_root.path("datasets").exists()

    async def test_an_endpoint_that_cannot_call_tools_ends_the_run_with_the_remedy(self) -> None:
        remedy = r"'tiny' cannot call functions at .*--teacher\.model"
        with serve(answer_as(refuse_tools)) as url, pytest.raises(FatalTeacherError, match=remedy):
            await build_dataset(at(url))

    @pytest.mark.parametrize("refusal", [fail(402, "Insufficient credits"), fail(429, "limited to 9 per day")])
    async def test_an_empty_account_and_a_quota_of_a_day_leave_what_is_done(
        self, refusal: Any, data_root: DataRoot
    ) -> None:
        endpoint = answer_as(lambda body, answer: refusal(body) if len(endpoint.requests) > 24 else None)
        with serve(endpoint) as url:
            partial = await build_dataset(at(url, in_flight=1))
            assert (partial.apis, partial.unfinished) == (1, 1)
            assert "the same command goes on from there" in partial.stopped
            endpoint.last = answer_as(lambda body, answer: None).last
            whole = await build_dataset(at(url, in_flight=1))
        assert (whole.apis, whole.unfinished, whole.stopped) == (2, 0, "")
        assert data_root.path("datasets", "toolherd", "latest").read_text() == f"{whole.dataset.version}\n"

    async def test_a_quota_that_is_used_up_from_the_start_ends_the_run_by_it(self) -> None:
        spent = Endpoint(last=fail(429, "limited to 9 per day"))
        with serve(spent) as url, pytest.raises(RunStoppedError, match="limited to 9 per day") as raised:
            await build_dataset(at(url))
        assert raised.value.leaves_a_part


def test_the_command_prints_the_summary_and_ends_with_1(prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect)
    with serve(answer_as(call_nothing)) as url:
        ended = place.build(
            "--names", NAMES[0], "--apis", "all", "--instructions", "2", "--teacher.model", "tiny",
            "--teacher.base_url", url, "--shares.no_tool", "0", "--shares.missing_detail", "0",
        )  # fmt: skip
    assert ended.status == 1
    assert "no row was accepted, `latest` is not moved" in ended.out
    assert "no_tool_call" in ended.out
    assert ended.said[-1].startswith("error: none of 2 rows was accepted")


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ({"no_tool_call": 3, "teacher_error": 2}, "--jinja"),
        ({"no_tool_call": 2, "teacher_error": 3}, "See what the endpoint says"),
        ({"cut_off": 1}, "cut off"),
        ({"ungrounded_argument": 5}, "Look at the rows"),
        ({}, "Look at the rows"),
    ],
)
def test_what_to_do_follows_from_the_most_frequent_reason(reasons: dict[str, int], words: str) -> None:
    assert words in advise(reasons)


def test_causes_that_are_alike_are_counted_once_the_most_frequent_first() -> None:
    assert count_causes({"a": "x", "b": "y", "c": "y"}) == [("y", ["b", "c"]), ("x", ["a"])]
