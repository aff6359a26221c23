"""Two runs of the flow over the same APIs at the same time: both go on with what whoever was first has made."""

import asyncio
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flows.build_dataset import build_dataset
from tasks.completions.store import STORE_NAME
from tasks.datasets import DataRoot
from tasks.embedded.app import answer_chat
from tests.endpoint.process import serve_offline
from tests.flows.parts import NAMES, count_artifacts, make_params, read_calls, read_rows
from tests.flows.runs import Workplace
from tests.tasks.teacher.endpoints import serve

pytestmark = pytest.mark.forced


class Whimsical:
    """A teacher that never says the same twice.

    What documents and specifies an API it says only when both runs have asked for it, so that neither can have found
    what the other has made.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._twins = asyncio.Condition()
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        body = await request.body()
        asked = json.loads(body)
        text, key = str(asked["messages"][0]["content"]), json.dumps(asked, sort_keys=True)
        async with self._twins:
            self.asked[key] += 1
            number = self.asked.total()
            self._twins.notify_all()
            if "<entry>" in text:
                await self._twins.wait_for(lambda: self.asked[key] == 2)
        status, answer = answer_chat(body)
        return Response(_say_otherwise(json.loads(answer), number), status, media_type="application/json")


def _say_otherwise(answer: dict[str, Any], number: int) -> str:
    """The answer with words at the end of what documents, specifies or is told to the user."""
    message, words = answer["choices"][0]["message"], " Enjoy" + "!" * number
    try:
        said = json.loads(message["content"])
    except ValueError:
        if not message.get("tool_calls"):
            message["content"] += words
    else:
        if "introduction" in said:
            said["introduction"] += words
        if "openapi" in said:
            said["info"]["description"] = words
        message["content"] = json.dumps(said)
    return json.dumps(answer)


async def test_two_builds_at_once_make_one_dataset_though_the_teacher_tells_each_something_else(
    prefect: str, data_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on two boxes that share an object store: each has completions of its own, and buys what it needs itself.
    boxes = itertools.count()
    monkeypatch.setattr("flows.session.locate_store", lambda root: tmp_path / f"box-{next(boxes)}" / STORE_NAME)
    teacher = Whimsical()
    with serve(teacher) as url:
        builds = [make_params(name=name, teacher={"model": "offline", "base_url": url}) for name in ("one", "two")]
        one, two = await asyncio.gather(*map(build_dataset, builds))

    held = [count for key, count in teacher.asked.items() if "<entry>" in key and "one weather station" not in key]
    assert len(held) > 4  # two APIs, each documented and its functions described one by one
    assert set(held) == {2}  # by both runs, which were told different things
    assert (one.rejected_apis, two.rejected_apis) == ({}, {})
    assert one.changed
    assert two.changed
    assert (one.dataset.name, two.dataset.name) == ("one", "two")
    assert one.dataset.content_hash == two.dataset.content_hash
    assert read_rows(data_root, one.dataset) == read_rows(data_root, two.dataset)
    assert read_calls(data_root, one.dataset) == read_calls(data_root, two.dataset)
    assert count_artifacts(data_root) == {"document": 2, "specify": 2, "instruct": 2, "simulate": 2, "check": 2}
    assert list(Path(data_root.url).rglob("*.tmp")) == []


def test_two_processes_that_build_at_once_make_one_dataset_and_pay_for_it_once(prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect)
    with serve_offline("--latency", "0.3") as teacher:
        options = ["--names", *NAMES, "--apis", "all", "--instructions", "4"]
        options += ["--teacher.model", "offline", "--teacher.base_url", teacher.base_url]
        with place.start(*options, "--name", "one") as one, place.start(*options, "--name", "two") as two:
            ended = [one.wait(), two.wait()]
        paid = teacher.stats()["paid"]
    assert [run.status for run in ended] == [0, 0], [run.err for run in ended]
    assert place.read_content_hash("one", "v1") == place.read_content_hash("two", "v1")
    assert paid["repeated"] == {}
    steps = ("document", "specify", "instruct", "simulate", "check")
    assert count_artifacts(DataRoot(str(place.data))) == dict.fromkeys(steps, len(NAMES))
