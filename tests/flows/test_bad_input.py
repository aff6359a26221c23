"""The whole flow with each kind of bad input: what is published, what is turned down, and for which reason."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from starlette.responses import Response

from flows.build_dataset import build_dataset, render_summary
from flows.build_toolset import build_toolset
from schemas.episodes import Kind
from schemas.instance import ApiRow, Instance
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.reasons import Reason
from schemas.steps import BuildSummary
from tasks.datasets import DataRoot, escape_markdown, read_manifest
from tests.flows.parts import read_apis, read_calls, read_rows, write_document
from tests.flows.tampering import Asked, Tampering, refuse
from tests.tasks.teacher.endpoints import serve

PLAIN, REFUSED, UNFIT, SILENT, GREEDY, BROKEN, ENDLESS = (
    "Yelp", "Steem", "AccuWeather", "Amdoren", "Bandsintown", "Board Game Geek", "Lichess",
)  # fmt: skip
COUNT = 3
ONE_CALL = {"multi_call": 0, "missing_detail": 0, "no_tool": 0, "error_recovery": 0}


def give_no_fields(asked: Asked) -> Response | None:
    """Functions of which nothing comes back."""
    return asked.say('{"path": "/x", "answer": []}') if asked.role == "specify" else None


def say_nothing(asked: Asked) -> Response | None:
    """Nothing, where an answer to the user is due."""
    return asked.say("") if asked.role == "assistant" and not asked.calls else None


def call_again(asked: Asked) -> Response | None:
    """The calls that were made before, where an answer to the user is due."""
    if asked.role != "assistant" or asked.calls:
        return None
    return asked.call(next(m["tool_calls"] for m in reversed(asked.body["messages"]) if m.get("tool_calls")))


def give_too_much(asked: Asked) -> Response | None:
    """One instruction more than was asked for, and details withheld that nobody asked to."""
    if asked.role != "instruct":
        return None
    detail = {"parameter": "city", "value": "Bergen"}
    return asked.change_instructions(
        lambda items: [{**item, "withheld": detail} for item in [*items, {**items[0], "text": "Sing a sea shanty."}]]
    )


class BreakOff:
    """Refuses all that belongs to the first episode that it hears of."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, asked: Asked) -> Response | None:
        if asked.role != "assistant":
            return None
        self.text = self.text or str(asked.body["messages"][1]["content"])
        return refuse(asked) if asked.body["messages"][1]["content"] == self.text else None


@dataclass
class Ran:
    """Two runs of one command: against a teacher that does all of it, and, once it is mended, again."""

    root: DataRoot
    first: BuildSummary
    asked: Counter[tuple[str, str]]
    second: BuildSummary
    asked_again: Counter[tuple[str, str]]
    broken_off: str

    def rows(self, api: str, again: bool = False) -> list[Instance]:
        """The rows of an API."""
        dataset = (self.second if again else self.first).dataset
        return [row for row in read_rows(self.root, dataset) if row.api_name == api]

    def row(self, api: str) -> ApiRow:
        """What the toolset says of an API after the first run."""
        (found,) = (row for row in read_apis(self.root, self.first.dataset) if row.name == api)
        return found


def make_params(url: str, **more: Any) -> BuildDatasetParams:
    asked = {
        "names": [PLAIN, REFUSED, UNFIT, SILENT, GREEDY, BROKEN, ENDLESS], "apis": "all", "instructions": COUNT,
        "shares": ONE_CALL, "test_share": 0.3, "teacher": {"model": "offline", "base_url": url, "attempts": 2},
    }  # fmt: skip
    return BuildDatasetParams.model_validate({**asked, **more})


@pytest.fixture(scope="module")
def ran(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder, broken = tmp_path_factory.mktemp("bad"), BreakOff()
    teacher = Tampering(
        {
            REFUSED: refuse,
            UNFIT: give_no_fields,
            SILENT: say_nothing,
            GREEDY: give_too_much,
            BROKEN: broken,
            ENDLESS: call_again,
        }
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(teacher) as url,
    ):
        patch.setenv("TOOLHERD_DATA_ROOT", str(folder / "data"))
        first, asked = asyncio.run(build_dataset(make_params(url))), teacher.asked.copy()
        teacher.asked.clear()
        for mended in (REFUSED, BROKEN):
            del teacher.changes[mended]
        second = asyncio.run(build_dataset(make_params(url)))
        yield Ran(DataRoot.from_environment(), first, asked, second, teacher.asked.copy(), broken.text)


def test_an_api_whose_teacher_always_fails_is_rejected_at_its_first_step_and_the_others_go_on(ran: Ran) -> None:
    row = ran.row(REFUSED)
    assert (row.accepted, row.rejected_at, row.teacher) == (False, "document", "offline")
    assert len(row.reasons) == 1
    assert f"nothing about {REFUSED} here" in row.reasons[0]
    assert (row.document, row.num_functions) == ("", 0)
    assert ran.rows(REFUSED) == []
    assert ran.asked[REFUSED, "document"] == 2  # a 422 is the request's fault: another draw, and no further attempt
    assert ran.first.rejected_apis["steem"].startswith("document: ")


def test_an_api_whose_functions_are_of_no_use_after_all_repairs_is_rejected_with_what_is_wrong(ran: Ran) -> None:
    row = ran.row(UNFIT)
    assert (row.accepted, row.rejected_at) == (False, "specify")
    assert "answer: it is empty; list the fields that come back" in row.reasons[0]
    assert ran.asked[UNFIT, "specify"] == 4 * count_documented(ran.root, row.api_id)
    assert ran.asked[UNFIT, "instruct"] == 0
    stages = Counter(call.stage for call in read_calls(ran.root, ran.first.dataset) if call.api_id == row.api_id)
    assert stages == {"document": 1, "specify": ran.asked[UNFIT, "specify"]}


def count_documented(root: DataRoot, api_id: str) -> int:
    """How many functions an API was documented with."""
    (path,) = Path(root.url).glob(f"document/{api_id}/*.json")
    return len(json.loads(path.read_text())["payload"]["content"]["functions"])


def test_rows_without_a_final_response_are_rejected_for_that_reason_and_no_other(ran: Ran) -> None:
    assert {row.reasons for row in ran.rows(SILENT)} == {(Reason.EMPTY_RESPONSE,)}
    assert len(ran.rows(SILENT)) == COUNT
    assert not any(row.accepted or row.response for row in ran.rows(SILENT))
    assert ran.row(SILENT).accepted  # its toolset is good


def test_rows_that_come_to_no_end_are_rejected_for_that_reason(ran: Ran) -> None:
    assert [row.reasons for row in ran.rows(ENDLESS)] == [(Reason.TOO_MANY_STEPS,)] * COUNT


def test_what_a_teacher_gives_too_much_is_left_out(ran: Ran) -> None:
    rows = ran.rows(GREEDY)
    assert len(rows) == COUNT
    assert all(row.accepted and row.kind is Kind.SINGLE_CALL for row in rows)
    assert not any("sea shanty" in row.instruction for row in rows)
    (path,) = Path(ran.root.url).glob("instruct/bandsintown/*.json")
    written = json.loads(path.read_text())["payload"]["content"]["instructions"]
    assert [item["withheld"] for item in written] == [None] * COUNT


def test_an_episode_that_the_teacher_breaks_off_is_a_rejected_row_and_played_again_by_the_next_run(ran: Ran) -> None:
    before, after = ({row.id: row for row in ran.rows(BROKEN, again)} for again in (False, True))
    assert len(before) == len(after) == COUNT
    (lost,) = (row for row in before.values() if not row.accepted)
    assert lost.instruction == ran.broken_off
    assert lost.reasons == (Reason.TEACHER_ERROR,)
    assert f"nothing about {BROKEN} here" in lost.checks
    assert all(row.accepted for row in after.values())
    assert after[lost.id].instruction == lost.instruction


def test_the_next_run_asks_for_what_was_lost_and_for_nothing_else(ran: Ran) -> None:
    asked = {api for api, _ in ran.asked_again}
    assert asked == {REFUSED, BROKEN}
    assert {role for api, role in ran.asked_again if api == BROKEN} == {"assistant"}
    assert ran.asked_again[REFUSED, "document"] == 1
    assert ran.asked_again[REFUSED, "specify"] == count_documented(ran.root, "steem")
    assert ran.second.calls.sent == sum(ran.asked_again.values())
    assert len(ran.rows(REFUSED, again=True)) == COUNT
    assert set(ran.second.rejected_apis) == {"accuweather"}
    # A rejection for good is found again in the store: one answer that documents, four for each function.
    assert ran.second.calls.stored >= 1 + 4 * count_documented(ran.root, "accuweather")


@pytest.mark.parametrize("api", [PLAIN, SILENT, GREEDY, ENDLESS])
def test_what_lost_nothing_stays_as_it_is_good_or_bad(api: str, ran: Ran) -> None:
    assert ran.rows(api, again=True) == ran.rows(api)


@pytest.mark.parametrize("again", [False, True])
def test_the_figures_are_those_of_the_rows(ran: Ran, again: bool) -> None:
    summary = ran.second if again else ran.first
    rows, apis = read_rows(ran.root, summary.dataset), read_apis(ran.root, summary.dataset)
    manifest = read_manifest(ran.root.path("datasets", "toolherd", summary.dataset.version))
    assert summary.dataset.version == ("v2" if again else "v1")
    assert (summary.changed, summary.unfinished, summary.stopped) == (True, 0, "")
    assert summary.accepted == sum(row.accepted for row in rows)
    assert summary.rejected == sum(not row.accepted for row in rows)
    reasons = Counter(reason.value for row in rows for reason in row.reasons)
    assert summary.reasons == manifest.reasons == dict(reasons)
    assert summary.apis == sum(api.accepted for api in apis) == len({row.api_id for row in rows})
    assert set(summary.rejected_apis) == {api.api_id for api in apis if not api.accepted}
    assert manifest.test_apis
    for row in rows:
        assert row.accepted == (not row.reasons)
    calls = read_calls(ran.root, summary.dataset)
    assert sum(not call.stored for call in calls) <= sum(ran.asked.values()) + sum(ran.asked_again.values())
    assert {call.api_id for call in calls} >= {row.api_id for row in rows}


def test_no_api_of_the_test_set_is_trained_on_and_each_row_lies_in_one_table(ran: Ran) -> None:
    from tasks.datasets import read_table

    folder = ran.root.path("datasets", "toolherd", "v1")
    train, test, rejected = (
        list(read_table(folder / f"{name}.parquet", Instance)) for name in ("train", "test", "rejected")
    )
    assert {row.api_id for row in train}.isdisjoint(row.api_id for row in test)
    assert all(row.accepted for row in (*train, *test))
    assert not any(row.accepted for row in rejected)
    ids = [row.id for row in (*train, *test, *rejected)]
    assert len(set(ids)) == len(ids) == 5 * COUNT


async def test_the_run_s_page_says_what_became_of_each_api(server: str, ran: Ran) -> None:
    async with get_client() as client:
        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[ran.first.run_id]))
        )
    shown: dict[str | None, Any] = {artifact.key: artifact.data for artifact in found}
    assert shown["dataset"] == render_summary(ran.first)
    rows = {row["API"]: row for row in json.loads(shown["toolset"])}
    assert set(rows) == {PLAIN, REFUSED, UNFIT, SILENT, GREEDY, BROKEN, ENDLESS}
    for name, row in rows.items():
        held = ran.row(name)
        reason = escape_markdown(f"{held.rejected_at}: {held.reasons[0]}") if not held.accepted else ""
        assert (row["category"], row["functions"], row["rejected because"]) == (
            escape_markdown(held.category), held.num_functions, reason
        )  # fmt: skip
    counts = {name: (row["instances"], row["accepted"]) for name, row in rows.items()}
    assert counts == {
        PLAIN: (COUNT, COUNT), GREEDY: (COUNT, COUNT), BROKEN: (COUNT, COUNT - 1), SILENT: (COUNT, 0),
        ENDLESS: (COUNT, 0), REFUSED: (0, 0), UNFIT: (0, 0),
    }  # fmt: skip


def write_bad_documents(folder: Path) -> None:
    """Two documents that say the same, and one for each way to be of no use."""
    folder.mkdir()
    write_document(folder / "boats.json")
    write_document(folder / "yachts.json")
    looped = {"Node": {"$ref": "#/components/schemas/Other"}, "Other": {"$ref": "#/components/schemas/Node"}}
    write_document(folder / "looped.json", components={"schemas": looped})
    write_document(folder / "empty.json", paths={})
    write_document(folder / "impossible.json")
    document = json.loads((folder / "impossible.json").read_text())
    answer = document["paths"]["/boats/{boatId}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer["properties"]["crew"] = {"type": "integer", "minimum": 5, "maximum": 2}
    answer["required"] = ["crew"]
    (folder / "impossible.json").write_text(json.dumps(document))
    (folder / "notes.json").write_text('{"title": "no document"}')
    (folder / "torn.json").write_text('{"openapi": ')


@pytest.mark.usefixtures("prefect")
async def test_documents_that_are_of_no_use_are_rejected_and_what_two_say_alike_is_kept_once(
    data_root: DataRoot, tmp_path: Path
) -> None:
    write_bad_documents(tmp_path / "documents")
    asked = {"catalog": str(tmp_path / "documents"), "names": [], "shares": ONE_CALL, "test_share": 0}
    with serve(Tampering({}, seed=7)) as url:
        params = make_params(url, **asked)
        first = await build_dataset(params)
        rows = {row.id: row for row in read_rows(data_root, first.dataset)}
        (tmp_path / "benchmark.txt").write_text(rows["boats-001"].instruction + "\n")
        second = await build_dataset(params.model_copy(update={"benchmarks": (str(tmp_path / "benchmark.txt"),)}))

    apis = {row.api_id: row for row in read_apis(data_root, first.dataset)}
    assert set(apis) == {"boats", "yachts", "looped", "empty", "impossible"}  # what is no document is no API
    assert {id for id, row in apis.items() if row.accepted} == {"boats", "yachts"}
    rejected = {id: (row.rejected_at, row.reasons[0]) for id, row in apis.items() if not row.accepted}
    assert {stage for stage, _ in rejected.values()} == {"import"}
    assert "without end" in rejected["looped"][1]
    assert "operation" in rejected["empty"][1]
    assert "getBoat fails the audit" in rejected["impossible"][1]
    assert all(row.teacher == "" for row in apis.values())

    assert {row.id for row in rows.values() if row.accepted} == {f"boats-{number:03}" for number in range(1, COUNT + 1)}
    for row in rows.values():
        if not row.accepted:
            twin = rows[row.id.replace("yachts", "boats")]
            assert row.instruction == twin.instruction
            assert row.reasons == (Reason.NEAR_DUPLICATE,)
            assert f"like {twin.id}" in row.checks
    assert (first.accepted, first.rejected, first.reasons) == (COUNT, COUNT, {"near_duplicate": COUNT})

    again = {row.id: row.reasons for row in read_rows(data_root, second.dataset)}
    # What overlaps is turned down for that, also where it is a duplicate as well; no other takes its place.
    assert again["boats-001"] == (Reason.BENCHMARK_OVERLAP,)
    assert again["yachts-001"] == (Reason.NEAR_DUPLICATE, Reason.BENCHMARK_OVERLAP)
    assert again["boats-002"] == ()
    assert (second.calls.sent, second.dataset.version) == (0, "v2")


@pytest.mark.usefixtures("prefect")
async def test_a_toolset_is_made_of_good_apis_and_says_why_others_are_none(data_root: DataRoot, tmp_path: Path) -> None:
    write_bad_documents(tmp_path / "documents")
    summary = await build_toolset(BuildToolsetParams(catalog=str(tmp_path / "documents"), apis="all"))
    assert summary.apis == 2
    assert {id: reason.partition(":")[0] for id, reason in summary.rejected.items()} == {
        "looped": "import", "empty": "import", "impossible": "import",
    }  # fmt: skip
    assert (summary.unfinished, summary.stopped, summary.calls.sent) == (0, "", 0)
    assert not data_root.path("datasets").exists()
