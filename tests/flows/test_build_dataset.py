"""The main flow against a real Prefect server and the embedded teacher: what it makes, and never makes twice."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

import prompts
from flows.build_dataset import build_dataset, render_summary
from schemas.catalog import CatalogEntry
from schemas.errors import FatalTeacherError, TeacherError, UserError
from schemas.reasons import Reason
from schemas.toolset import Documentation
from tasks.agents import document_api
from tasks.completions.store import STORE_NAME
from tasks.datasets import DataRoot
from tasks.step_tasks import TASKS
from tasks.teacher import Teacher
from tests.answering import Quiet, answer_by
from tests.flows.parts import NAMES, count_artifacts, make_params, read_apis, read_calls, read_rows, write_document
from tests.flows.runs import PATIENCE_S

pytestmark = pytest.mark.usefixtures("prefect")


async def test_a_run_publishes_a_dataset_and_the_same_run_again_finds_it_unchanged(data_root: DataRoot) -> None:
    first = await build_dataset(make_params())
    rows = read_rows(data_root, first.dataset)

    assert first.changed
    assert first.dataset.version == "v1"
    assert first.rejected_apis == {}
    assert len(rows) == first.accepted + first.rejected == 8
    assert {row.api_name for row in rows} == {"Yelp", "Steem"}
    assert {row.teacher for row in rows} == {"offline"}
    assert set(json.loads(rows[0].prompt_versions)) == set(prompts.PROMPTS)
    assert all(row.input_tokens > 0 for row in rows)
    assert first.calls.sent == len(read_calls(data_root, first.dataset))
    assert (data_root.path("datasets", "toolherd", "v1") / "report.html").exists()

    again = await build_dataset(make_params())

    assert not again.changed
    assert again.dataset == first.dataset
    assert (again.calls.sent, again.calls.stored) == (0, 0)
    assert "Unchanged" in render_summary(again)


async def test_a_run_leaves_completions_artifacts_and_a_dataset_and_nothing_of_prefect_s_results(
    data_root: DataRoot, tmp_path: Path
) -> None:
    await build_dataset(make_params())

    folders = {path.name: path for path in Path(data_root.url).iterdir()}
    assert set(folders) == {"cache", "datasets", "document", "specify", "instruct", "simulate", "check"}
    assert {path.stem for path in folders["cache"].iterdir()} == {Path(STORE_NAME).stem}
    for name in ("document", "specify", "instruct", "simulate", "check"):
        assert sorted(path.name for path in folders[name].iterdir()) == ["steem", "yelp"]
        assert all(path.suffix == ".json" for path in folders[name].glob("*/*"))
    assert not (tmp_path / "results").exists()


async def read_states(run_id: str, count: int) -> dict[str, str]:
    """How the tasks of a run ended, by their names; the server hears of that a little later than we do."""
    async with asyncio.timeout(PATIENCE_S), get_client() as client:
        while True:
            runs = await client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)])), limit=200
            )
            if len(runs) == count and all(run.state is not None and run.state.is_final() for run in runs):
                return {run.name.partition("-")[0]: str(run.state and run.state.name) for run in runs}
            assert len(runs) <= count, sorted(run.name for run in runs)
            await asyncio.sleep(0.1)


STEPS = ("document", "specify", "instruct", "simulate", "check")


async def test_of_one_more_instruction_what_comes_before_is_cached_and_the_rest_is_made(data_root: DataRoot) -> None:
    first = await build_dataset(make_params())
    second = await build_dataset(make_params(instructions=5))

    made = await read_states(first.run_id, 13)
    assert {name: made[name] for name in made if name.split()[0] in STEPS} == {
        f"{step} {api}": "Completed" for step in STEPS for api in ("yelp", "steem")
    }
    again = await read_states(second.run_id, 13)
    assert {name: again[name] for name in again if name.split()[0] in STEPS} == {
        f"{step} {api}": "Cached" if step in ("document", "specify") else "Completed"
        for step in STEPS
        for api in ("yelp", "steem")
    }
    assert len(read_rows(data_root, second.dataset)) == 10
    calls = read_calls(data_root, second.dataset)
    assert second.calls.sent == sum(row.stage in ("instruct", "simulate") and not row.stored for row in calls) > 0


async def test_a_run_of_which_nothing_has_changed_begins_no_step(
    data_root: DataRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await build_dataset(make_params())
    looked: list[str] = []

    async def look(root: DataRoot, key: str) -> None:
        looked.append(key)  # as each step's task does before anything else

    monkeypatch.setattr("flows.session.find_result", look)
    again = await build_dataset(make_params())

    assert (again.changed, again.dataset) == (False, first.dataset)
    assert [key for key in looked if key.split("/")[0] in STEPS] == []
    assert list(await read_states(again.run_id, 1)) == ["choose"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ConnectionResetError()])
async def test_a_step_whose_disk_or_connection_failed_once_is_tried_again(
    error: OSError, data_root: DataRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    async def fail_once(entry: CatalogEntry, teacher: Teacher) -> Documentation:
        tries.append(entry.id)
        if tries.count(entry.id) == 1:
            raise error
        return await document_api(entry, teacher)

    monkeypatch.setattr("tasks.document.document_api", fail_once)
    monkeypatch.setitem(TASKS, "document", TASKS["document"].with_options(retry_delay_seconds=0))
    summary = await build_dataset(make_params())

    assert sorted(tries) == ["steem", "steem", "yelp", "yelp"]
    assert (summary.apis, summary.rejected_apis) == (2, {})


async def test_a_step_that_failed_for_another_reason_is_not_tried_again(
    data_root: DataRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    async def fail(entry: CatalogEntry, teacher: Teacher) -> Documentation:
        tries.append(entry.id)
        if entry.id == "yelp":
            raise TeacherError("no answer")
        return await document_api(entry, teacher)

    monkeypatch.setattr("tasks.document.document_api", fail)
    summary = await build_dataset(make_params())

    assert sorted(tries) == ["steem", "yelp"]
    assert (summary.apis, summary.rejected_apis) == (1, {"yelp": "document: no answer"})


async def test_one_seed_gives_one_dataset_and_another_seed_another(
    data_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await build_dataset(make_params())
    other_seed = await build_dataset(make_params(seed=1, name="other"))
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "elsewhere"))
    same_seed = await build_dataset(make_params())

    assert same_seed.calls.sent == one.calls.sent
    assert same_seed.dataset.content_hash == one.dataset.content_hash
    assert other_seed.dataset.content_hash != one.dataset.content_hash


async def test_an_edited_prompt_runs_again_only_what_depends_on_it(data_root: DataRoot, prompt_folder: Path) -> None:
    first = await build_dataset(make_params())
    made = count_artifacts(data_root)
    assert made == {"document": 2, "specify": 2, "instruct": 2, "simulate": 2, "check": 2}

    assistant = prompt_folder / "assistant.jinja"
    assistant.write_text(assistant.read_text().rstrip() + "\n- Be brief.\n")
    prompts.load_own_prompt.cache_clear()
    second = await build_dataset(make_params())

    assert count_artifacts(data_root) == {**made, "simulate": 4, "check": 4}
    assert second.changed
    assert 0 < second.calls.sent < first.calls.sent
    sent = [row for row in read_calls(data_root, second.dataset) if row.stage == "simulate" and not row.stored]
    assert second.calls.sent == len(sent)


async def test_a_new_api_costs_its_own_calls_and_no_others(data_root: DataRoot) -> None:
    await build_dataset(make_params())
    more = await build_dataset(make_params(names=NAMES))

    calls = read_calls(data_root, more.dataset)
    assert more.dataset.version == "v2"
    assert more.calls.sent == sum(row.api_id == "accuweather" for row in calls) > 0
    assert len({row.api_id for row in calls}) == 3


async def test_a_model_that_plays_the_api_is_asked_once(data_root: DataRoot) -> None:
    first = await build_dataset(make_params(executor="simulated"))
    for lost in Path(str(data_root.path("simulate"))).glob("*/*.json"):
        lost.unlink()
    (data_root.path("datasets", "toolherd", "v1") / "train.parquet").unlink()
    again = await build_dataset(make_params(executor="simulated"))

    assert (first.rejected, again.calls.sent) == (0, 0)
    assert again.calls.stored > 0
    assert again.dataset.content_hash == first.dataset.content_hash
    assert any(row.role == "simulator" for row in read_calls(data_root, again.dataset))
    rows = read_rows(data_root, again.dataset)
    assert {row.executor for row in rows} == {"simulated"}


async def test_what_the_data_root_lost_is_made_again_at_no_cost(data_root: DataRoot) -> None:
    first = await build_dataset(make_params())
    (torn,) = Path(str(data_root.path("simulate"))).glob("yelp/*.json")
    torn.write_bytes(torn.read_bytes()[:100])
    (lost,) = Path(str(data_root.path("specify"))).glob("steem/*.json")
    lost.unlink()
    (data_root.path("datasets", "toolherd", "v1") / "train.parquet").unlink()
    again = await build_dataset(make_params())

    assert again.changed
    assert again.dataset.version == "v2"
    assert again.dataset.content_hash == first.dataset.content_hash
    assert again.calls.sent == 0
    assert again.calls.stored > 0


async def test_a_teacher_that_errs_leaves_rejected_rows_with_reasons(data_root: DataRoot) -> None:
    summary = await build_dataset(make_params(instructions=8, teacher={"error_rate": 0.3}))
    rows = read_rows(data_root, summary.dataset)

    assert summary.accepted + summary.rejected == len(rows)
    assert summary.rejected > 0
    assert all(row.reasons for row in rows if not row.accepted)
    assert summary.reasons == {
        reason.value: count for reason in Reason if (count := sum(reason in row.reasons for row in rows))
    }


async def test_instructions_of_a_benchmark_are_turned_down(data_root: DataRoot, tmp_path: Path) -> None:
    first = await build_dataset(make_params())
    known = next(row for row in read_rows(data_root, first.dataset) if row.accepted)
    benchmark = tmp_path / "benchmark.txt"
    benchmark.write_text(f"{known.instruction}\n")
    second = await build_dataset(make_params(benchmarks=[str(benchmark)]))

    row = next(row for row in read_rows(data_root, second.dataset) if row.id == known.id)
    assert row.reasons == (Reason.BENCHMARK_OVERLAP,)
    assert second.calls.sent == 0


async def test_a_document_that_cannot_be_used_is_a_rejected_api_and_the_run_goes_on(
    data_root: DataRoot, tmp_path: Path
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    write_document(folder / "boats.json")
    looped = {"Node": {"$ref": "#/components/schemas/Other"}, "Other": {"$ref": "#/components/schemas/Node"}}
    write_document(folder / "looped.json", components={"schemas": looped})
    summary = await build_dataset(make_params(catalog=str(folder), names=[], name="boats", version="first"))

    assert summary.dataset.version == "first"
    assert summary.apis == 1
    assert list(summary.rejected_apis) == ["looped"]
    rejected = next(row for row in read_apis(data_root, summary.dataset) if not row.accepted)
    assert rejected.rejected_at == "import"
    assert "without end" in rejected.reasons[0]
    assert {row.stage for row in read_calls(data_root, summary.dataset)} == {"instruct", "simulate"}


async def test_exports_lie_beside_the_dataset_also_when_it_is_unchanged(data_root: DataRoot) -> None:
    await build_dataset(make_params())
    summary = await build_dataset(make_params(export=["trl", "xlam"]))

    assert not summary.changed
    assert {Path(path).parent.name for path in summary.exports} == {"trl", "xlam"}
    assert all(Path(path).is_relative_to(str(data_root.path("datasets", "toolherd", "v1", "exports")))
               for path in summary.exports)  # fmt: skip


async def test_a_version_that_exists_is_bad_input(data_root: DataRoot) -> None:
    await build_dataset(make_params(version="first"))
    with pytest.raises(UserError, match="already has a version first"):
        await build_dataset(make_params(version="first"))


async def test_a_run_whose_endpoint_is_not_there_ends_with_its_address_and_publishes_nothing(
    data_root: DataRoot,
) -> None:
    teacher = {"model": "some-model", "base_url": "http://127.0.0.1:9/v1", "attempts": 1}
    with pytest.raises(FatalTeacherError, match=r"http://127.0.0.1:9/v1 cannot be reached.*--teacher.base_url"):
        await build_dataset(make_params(teacher=teacher))
    assert not data_root.path("datasets").exists()


async def test_what_was_finished_before_a_run_was_stopped_is_not_made_again(
    data_root: DataRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def hang(*_: object) -> NoReturn:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr("tasks.simulate.simulate_episodes", hang)
        running = asyncio.ensure_future(build_dataset(make_params(names=NAMES[:1])))
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    summary = await build_dataset(make_params(names=NAMES[:1]))

    calls = read_calls(data_root, summary.dataset)
    assert summary.calls.sent == sum(row.stage == "simulate" for row in calls)
    assert summary.calls.stored == 0


class _Refusing(Quiet, BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"error": {"message": "bad key"}}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def refusing_teacher() -> Iterator[str]:
    """An endpoint that accepts no key."""
    with answer_by(_Refusing) as address:
        yield f"{address}/v1"


async def test_a_refused_key_ends_the_run_at_once(data_root: DataRoot, refusing_teacher: str) -> None:
    with pytest.raises(FatalTeacherError, match="OPENAI_API_KEY"):
        await build_dataset(make_params(teacher={"model": "some-model", "base_url": refusing_teacher}))
    assert not data_root.path("datasets").exists()
