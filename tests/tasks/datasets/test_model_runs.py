"""Runs of training in the models' folder: names, records, who may work at one, where they lie."""

import fcntl
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.models import RunRecord, TrainingSet, TrainSummary
from schemas.training import PreparedData, TrainParams
from tasks.datasets import DataRoot, get_run, locate_models, locate_prepared, name_run

DATASET = TrainingSet(
    name="demo", version="v2", path="data/datasets/demo/v2", content_hash="c" * 64, sha256="5" * 64,
    recipe_hash="r" * 16, teacher="gpt-x", executor="mock", rows=100,
)  # fmt: skip
PREPARED = PreparedData(
    rows=100, kept=90, too_long=7, nothing_trained=3, sequences=20, tokens=80_000, trained_tokens=20_000, longest=4000,
    template="vicuna", template_hash="7" * 16,
)  # fmt: skip


def make_record(data: TrainingSet = DATASET, **params: Any) -> RunRecord:
    return RunRecord(
        params=TrainParams(name="mine", **params), dataset=data, tokenizer="lab/chat@abc", code_version="0.1.0",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip


def make_summary(record: RunRecord, **changes: Any) -> TrainSummary:
    values: dict[str, Any] = {
        "record": record, "folder": "x", "prepared": PREPARED, "steps": 12, "epochs": 3.0, "first_loss": 2.5,
        "last_loss": 0.75, "peak_learning_rate": 2e-5, "tokens": 240_000, "tokens_per_second": 3000.0,
        "peak_memory": 60 * 2**30, "estimated_memory": 64 * 2**30, "device": "2 × NVIDIA Test",
        "versions": {"torch": "2"},
        "finished_at": datetime(2026, 1, 3, tzinfo=UTC),
    }  # fmt: skip
    return TrainSummary.model_validate({**values, **changes})


def test_a_record_is_written_once_and_the_same_run_may_go_on(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    with run.hold(make_record()):
        assert run.read_record() == make_record()
    later = make_record().model_copy(update={"created_at": datetime(2027, 1, 1, tzinfo=UTC), "code_version": "0.2.0"})
    with run.hold(later):
        assert run.read_record() == make_record()


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (make_record(epochs=1), "--epochs 3.0 and not 1.0"),
        (make_record(cpu=True), "--cpu False and not True"),
        (make_record(max_steps=5), "--max_steps None and not 5"),
        (make_record(DATASET.model_copy(update={"content_hash": "c" * 11 + "d" * 53})),
         "data dataset demo v2 (cccccccccccc) and not dataset demo v2 (cccccccccccd)"),
        (make_record(DATASET.model_copy(update={"version": "v3"})),
         "data dataset demo v2 (cccccccccccc) and not dataset demo v3 (cccccccccccc)"),
        (make_record(DATASET.model_copy(update={"name": "deme"})),
         "data dataset demo v2 (cccccccccccc) and not dataset deme v2 (cccccccccccc)"),
        (make_record(DATASET.model_copy(update={"sha256": "e" * 64})),
         "train.parquet 555555555555 and not eeeeeeeeeeee"),
        (make_record().model_copy(update={"tokenizer": "lab/chat@def"}), "tokenizer lab/chat@abc and not lab/chat@def"),
        (make_record(epochs=1, seed=1), "--epochs 3.0 and not 1.0, --seed 0 and not 1"),
        (make_record(epochs=1, max_steps=5, lora_rank=2, seed=1),
         "--epochs 3.0 and not 1.0, --max_steps None and not 5, --lora_rank 16 and not 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_run_that_was_asked_for_other_things_is_turned_down(tmp_path: Path, record: RunRecord, line: str) -> None:
    run = get_run(tmp_path, "mine")
    with run.hold(make_record()):
        pass
    with pytest.raises(UserError) as caught, run.hold(record):
        pytest.fail("it was let in")
    assert str(caught.value) == f"run mine is there with {line}: ask for the same, or take another --name."
    assert run.read_record() == make_record()
    with run.hold(make_record()):  # the lock was given back
        pass


def test_a_tokenizer_of_a_model_with_a_long_name_is_known_by_all_of_its_commit(tmp_path: Path) -> None:
    run, one = get_run(tmp_path, "mine"), make_record().model_copy(update={"tokenizer": f"lab/{'m' * 90}@{'a' * 40}"})
    with run.hold(one):
        pass
    with pytest.raises(UserError, match=r"tokenizer lab/m+@a+ and not lab/m+@a+b:"):
        run.check(one.model_copy(update={"tokenizer": f"lab/{'m' * 90}@{'a' * 39}b"}))


def test_a_record_is_kept_for_people_to_read(tmp_path: Path) -> None:
    run = get_run(tmp_path / "not there yet", "mine")
    with run.hold(make_record()):
        pass
    run.finish(make_summary(make_record()))
    assert (run.folder / "run.json").read_text().startswith('{\n  "params": {\n    "dataset"')
    assert (run.folder / "summary.json").read_text().startswith('{\n  "record": {\n    "params"')


def test_how_the_dataset_was_named_and_where_it_lies_makes_no_other_run(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    assert run.check(make_record()) is None
    with run.hold(make_record()):
        pass
    assert run.check(make_record(DATASET.model_copy(update={"path": "elsewhere"}), dataset="demo")) == make_record()


@pytest.mark.forced
def test_a_run_is_held_while_the_body_works_and_let_go_when_it_fails(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    other = get_run(tmp_path, "mine")

    def work() -> NoReturn:
        with run.hold(make_record()):
            with pytest.raises(UserError, match="is going on in another process"), other.hold(make_record()):
                pytest.fail("it was let in")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    with other.hold(make_record()):
        pass


@pytest.mark.forced
def test_only_one_process_at_a_time_works_at_a_run(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    run.folder.mkdir()
    with (run.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="run mine is going on in another process"), run.hold(make_record()):
            pytest.fail("it was let in")
    assert run.read_record() is None
    with run.hold(make_record()):
        pass


def test_a_run_is_finished_when_its_summary_is_there_and_its_model_is(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    (run.folder / "checkpoints").mkdir(parents=True)
    (run.folder / "checkpoints" / "big").write_bytes(b"0" * 100)
    run.final.mkdir()
    (run.final / "config.json").write_text("{}")
    assert run.read_summary() is None
    summary = make_summary(make_record())
    run.finish(summary)
    assert not (run.folder / "checkpoints").exists()
    # where it lies, it lies, whatever its file says
    assert run.read_summary() == summary.model_copy(update={"folder": str(run.folder)})
    run.finish(summary)  # there is nothing to remove any more
    (run.final / "config.json").unlink()
    assert run.read_summary() is None


@pytest.mark.parametrize("text", [b"{}", b"[", b"\xff", b'{"folder": "/etc"}'])
def test_a_summary_that_no_run_of_ours_wrote_is_one_line(tmp_path: Path, text: bytes) -> None:
    run = get_run(tmp_path, "mine")
    run.final.mkdir(parents=True)
    (run.final / "config.json").write_text("{}")
    (run.folder / "summary.json").write_bytes(text)
    with pytest.raises(UserError, match=r"mine/summary\.json is no summary of this version of ToolHerd: take another"):
        run.read_summary()


def test_what_a_run_goes_on_from_is_kept_until_it_is_on_the_disk_that_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = get_run(tmp_path, "mine")
    (run.folder / "checkpoints").mkdir(parents=True)

    def refuse(_: int) -> NoReturn:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output"):
        run.finish(make_summary(make_record()))
    assert (run.folder / "checkpoints").exists()


def test_a_run_measures_its_files(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    assert run.measure() == 0
    assert run.write("a", b"12345") == tmp_path / "mine" / "a"
    run.final.mkdir()
    (run.final / "b").write_bytes(b"1234567")
    assert run.measure() == 12


def test_the_files_of_a_run_lie_in_its_folder(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    assert (run.name, run.folder) == ("mine", tmp_path / "mine")
    assert [path.relative_to(run.folder) for path in (run.events, run.log, run.final)] == [
        Path("events.jsonl"), Path("train.log"), Path("final"),
    ]  # fmt: skip


def test_a_folder_that_cannot_be_written_gets_one_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with (
        pytest.raises(
            UserError, match=r"models/mine cannot be written: .*; set TOOLHERD_MODELS_ROOT to another folder"
        ),
        get_run(tmp_path / "models", "mine").hold(make_record()),
    ):
        pytest.fail("it was let in")


def test_a_record_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    run.folder.mkdir()
    (run.folder / "run.json").write_text("{}")
    with pytest.raises(UserError, match="take another --name, or remove"):
        run.read_record()


def test_models_lie_in_the_data_root_or_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOOLHERD_MODELS_ROOT", raising=False)
    root = DataRoot(str(tmp_path / "data"))
    assert locate_models(root) == tmp_path / "data" / "models"
    with pytest.raises(UserError, match=r"memory://.* is none: set TOOLHERD_MODELS_ROOT to a folder"):
        locate_models(DataRoot("memory://bucket"))
    monkeypatch.setenv("TOOLHERD_MODELS_ROOT", str(tmp_path / "large disk"))
    assert locate_models(root) == locate_models(DataRoot("memory://bucket")) == tmp_path / "large disk"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOOLHERD_MODELS_ROOT", "~/x/../models")
    assert locate_models(root) == tmp_path / "home" / "models"
    monkeypatch.setenv("TOOLHERD_MODELS_ROOT", "")
    assert locate_models(root) == tmp_path / "data" / "models"


@given(
    model=st.text(min_size=1, max_size=90).filter(lambda text: "\0" not in text),
    rate=st.floats(1e-6, 1),
    version=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
)
def test_a_run_without_a_name_gets_one_that_is_a_name_and_is_the_same_each_time(
    model: str, rate: float, version: str
) -> None:
    params = TrainParams(model=model, learning_rate=rate)
    dataset = DATASET.model_copy(update={"version": version})
    name = name_run(params, dataset, "t")
    assert get_run(Path("models"), name).name == name
    assert name_run(params.model_copy(update={"dataset": "demo"}), dataset, "t") == name
    others = {
        name_run(params.model_copy(update={"seed": 1}), dataset, "t"),
        name_run(params, dataset, "u"),
        name_run(params, dataset.model_copy(update={"content_hash": "e" * 64}), "t"),
    }
    assert len(others | {name}) == 4


@pytest.mark.parametrize(
    ("model", "method", "begins"),
    [
        ("lmsys/vicuna-7b-v1.5", "lora", "vicuna-7b-v1.5-demo-v2-lora-"),
        ("/somewhere/My  Model", "full", "my-model-demo-v2-full-"),
        ("é", "full", "demo-v2-full-"),
        ("..", "full", "demo-v2-full-"),
        ("_A.b_", "full", "a.b_-demo-v2-full-"),
        ("m" * 90, "full", "m" * 55 + "-"),
    ],
)
def test_a_name_says_model_data_and_method_and_ends_with_a_hash(model: str, method: str, begins: str) -> None:
    name = name_run(TrainParams(model=model, method=method), DATASET, "t")
    assert name.startswith(begins)
    assert re.fullmatch("[0-9a-f]{8}", name.removeprefix(begins))


def test_data_is_prepared_in_one_folder_for_all_runs(tmp_path: Path) -> None:
    assert locate_prepared(tmp_path, "key") == tmp_path / ".prepared" / "key"


def test_no_run_can_be_named_as_the_prepared_data_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run name"):
        get_run(tmp_path, locate_prepared(tmp_path, "key").parent.name)
