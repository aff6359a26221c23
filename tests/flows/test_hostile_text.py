"""A run whose catalogue, documents and endpoint are full of what acts on terminals and pages: nothing of it does."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from markdown_it import MarkdownIt
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flows.command_line import main
from tasks.embedded.app import answer_chat
from tests.flows.parts import write_document
from tests.flows.runs import Workplace
from tests.flows.test_secrets import FULL_LOGGING
from tests.hostile import ALL, list_unprintable
from tests.tasks.teacher.endpoints import serve

MARKUP = "[click](http://evil.example) ![x](http://evil.example/x.png) <img src=http://evil.example> `a` | b"
TEXT = f"marked{ALL}{MARKUP}"
"""What everybody says here; `marked` tells where it arrived."""

REFUSED = "Broken by the endpoint"

FAULTS: tuple[Callable[[], Response], ...] = (
    lambda: JSONResponse({"error": {"message": TEXT, "code": TEXT, "param": TEXT}}, 500),
    lambda: PlainTextResponse(TEXT, 503),
    lambda: PlainTextResponse(TEXT, 200),
)


class Shouting:
    """The embedded teacher behind an endpoint that fails at each request first, and always where it `refuses`."""

    def __init__(self, *, refuses_keys: bool = False) -> None:
        self._seen: set[bytes] = set()
        self._refuses_keys = refuses_keys
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        raw = await request.body()
        if self._refuses_keys:
            return PlainTextResponse(TEXT, 401)
        if REFUSED.encode() in raw:
            return JSONResponse({"error": {"message": TEXT}}, 422)
        if raw not in self._seen:
            self._seen.add(raw)
            return FAULTS[len(self._seen) % len(FAULTS)]()
        status, body = answer_chat(raw)
        return JSONResponse(json.loads(body), status)


def write_catalogue(folder: Path) -> Path:
    """A folder of documents: a good one, one that the endpoint refuses, one that is none, and one with a bad path."""
    folder.mkdir()
    name = f"{ALL}{MARKUP}".replace("\0", "").replace("/", "-")[:60]
    info = {"title": f"Boats {TEXT}", "version": "1", "description": f"Boats for hire. {TEXT}"}
    write_document(folder / "a.json", info=info, tags=[{"name": TEXT}])
    write_document(folder / "b.json", info={**info, "title": REFUSED})
    (folder / f"{name}.json").write_text(json.dumps([TEXT]))
    bad = {"get": {"operationId": "x", "parameters": 5}}
    write_document(folder / "c.json", info={**info, "title": "Bad"}, paths={f"/{TEXT}": bad})
    return folder


def find_run(out: str) -> UUID:
    (found,) = re.findall(r"/runs/flow-run/([0-9a-f-]{36})", out)
    return UUID(found)


async def read_told(run: UUID) -> dict[str, list[str]]:
    """All that Prefect has of a run for people to look at: logs, messages of states, and artifacts."""
    async with get_client() as client:
        logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])))
        flow = await client.read_flow_run(run)
        tasks = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run])))
        artifacts = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        )
    return {
        "logs": [log.message for log in logs],
        "states": [str(state and state.message) for state in (flow.state, *(task.state for task in tasks))],
        "artifacts": [str(value) for one in artifacts for value in (one.data, one.description)],
        "tables": [cell for one in artifacts if one.type == "table" for cell in list_cells(one.data)],
    }


def list_cells(table: Any) -> list[str]:
    rows = json.loads(table) if isinstance(table, str) else table
    return [cell for row in rows for cell in row.values() if isinstance(cell, str)]


def list_active(markdown: str) -> set[str]:
    """The elements that a Markdown text makes where it must make none: links, pictures and raw HTML."""
    page = MarkdownIt("commonmark").enable("table").render(markdown)
    return set(re.findall(r"<(?:a|img|script)\b[^>]*evil[^>]*>", page))


@pytest.fixture
def place(prefect: str, tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, prefect, tuple({**FULL_LOGGING, "OPENAI_API_KEY": "sk-1"}.items()))


async def test_a_run_tells_only_what_can_be_seen_and_does_nothing(place: Workplace) -> None:
    catalogue = write_catalogue(place.folder / "documents")
    with serve(Shouting()) as url:
        ended = place.build(
            "--catalog", str(catalogue), "--apis", "all", "--instructions", "3", "--max_error_share", "1",
            "--teacher.model", "offline", "--teacher.base_url", url,
        )  # fmt: skip
    assert ended.status == 0, ended.err
    assert "bad: import: paths./marked" in ended.out
    assert list_unprintable(ended.out + ended.err) == []
    assert [line for line in (ended.out + ended.err).splitlines() if line.startswith("error: none")] == []

    told = await read_told(find_run(ended.out))
    for kind, texts in told.items():
        assert any("marked" in text for text in texts), kind
        assert list_unprintable("".join(texts)) == [], kind
    assert [cell for cell in told["tables"] if list_active(cell)] == []

    folder = place.data / "datasets" / "toolherd" / "v1"
    card, report = ((folder / name).read_text() for name in ("README.md", "report.html"))
    shown = re.sub(r"<script.*?</script>", "", report, flags=re.DOTALL)
    for page in (card, shown):
        assert "marked" in page
        assert list_unprintable(page) == []
    assert list_active(card) == set()
    assert "<img" not in card
    assert "<img" not in shown


async def test_what_ends_a_run_is_told_in_one_line_that_can_be_seen(place: Workplace) -> None:
    catalogue = write_catalogue(place.folder / "documents")
    with serve(Shouting(refuses_keys=True)) as url:
        ended = place.build(
            "--catalog", str(catalogue), "--apis", "all", "--teacher.model", "offline", "--teacher.base_url", url
        )
    assert ended.status == 2, ended.err
    assert list_unprintable(ended.out + ended.err) == []
    assert ended.said[-1].startswith("error: ")
    assert "marked" in ended.said[-1]


GIVEN = ALL.replace("\0", "")  # which no argument can hold


@pytest.mark.parametrize(
    "arguments",
    [
        ("--name", GIVEN), ("--catalog", f"/none/{GIVEN}"), ("--names", GIVEN), ("--categories", GIVEN),
        (f"--{GIVEN}",),
        ("--benchmarks", f"/none/{GIVEN}"), ("--apis", GIVEN), ("--teacher.model", GIVEN),
    ],
    ids=lambda arguments: arguments[0] if len(arguments) > 1 else "a parameter that there is not",
)  # fmt: skip
def test_what_is_turned_down_is_told_in_one_line_that_can_be_seen(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert main("build_dataset", [*arguments, "--teacher.api_key_env", "NONE_SUCH"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert list_unprintable(err) == []
    assert not (tmp_path / "data").exists()
