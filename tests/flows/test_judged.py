"""A build whose rows a judge reads: verdicts are columns, what is wrong is turned down, and a rerun asks nothing."""

import json
from typing import Any

import pytest
from starlette.responses import Response

from flows.build_dataset import build_dataset
from schemas.parameters import BuildDatasetParams
from schemas.reasons import Reason
from tasks.datasets import DataRoot
from tests.flows.parts import make_params, read_calls, read_rows
from tests.tasks.agents.parts import write
from tests.tasks.teacher.endpoints import Endpoint, serve


def judge_by_number(body: dict[str, Any]) -> Response:
    """A judge that finds the response to every request of an even length wrong; the probe gets what it asks for."""
    prompt = body["messages"][0]["content"]
    if "<probe>" in prompt:
        reply: Any = {"stations": [{"city": "Oslo"}], "unit": "celsius"}
    else:
        request = prompt.split("<request>\n")[1].split("\n</request>")[0]
        verdict = "wrong" if len(request) % 2 == 0 else "right"
        reply = {
            "process": {"reason": "The calls are those.", "verdict": "right"},
            "response": {"reason": f"It has {len(request)} characters.", "verdict": verdict},
        }
    response: Response = write(reply)(body)
    return response


@pytest.mark.usefixtures("prefect")
async def test_what_a_judge_finds_wrong_is_a_rejected_row_and_its_verdicts_are_columns(
    data_root: DataRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_KEY", "k")
    with serve(Endpoint(last=judge_by_number)) as url:
        judge = {"model": "tiny", "base_url": url, "api_key_env": "TINY_KEY"}
        first = await build_dataset(make_params(judge=judge))
        again = await build_dataset(make_params(judge=judge))
    rows = read_rows(data_root, first.dataset)
    assert {row.accepted for row in rows} == {True, False}
    for row in rows:
        is_right = len(row.instruction) % 2 == 1
        assert (row.judge_process, row.judge_response, row.judge_agreement) == (True, is_right, None)
        assert row.accepted is is_right
        assert row.reasons == (() if is_right else (Reason.JUDGE_RESPONSE,))
        (vote,) = json.loads(row.judge_votes or "")
        assert vote["response"] == {"right": is_right, "reason": f"It has {len(row.instruction)} characters."}
    assert (first.judges, first.judged) == (1, len(rows))
    assert sum(row.role == "judge" and row.stage == "judge" for row in read_calls(data_root, first.dataset)) == len(
        rows
    )
    assert not again.changed
    assert again.calls.sent == 0


@pytest.mark.usefixtures("prefect")
async def test_rows_of_a_run_without_a_judge_say_nothing_of_one(data_root: DataRoot) -> None:
    made = await build_dataset(make_params())
    rows = read_rows(data_root, made.dataset)
    assert {(row.judge_process, row.judge_response, row.judge_votes) for row in rows} == {(None, None, None)}
    assert (made.judges, made.judged) == (0, 0)


def test_the_embedded_teacher_is_no_judge() -> None:
    with pytest.raises(ValueError, match="the embedded teacher cannot judge: name a model with judge"):
        BuildDatasetParams.model_validate({"judges": 1})
    with pytest.raises(ValueError, match="cannot judge"):
        BuildDatasetParams.model_validate({"judge": {"temperature": 0}})
