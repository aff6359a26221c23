"""Runs of training in the models' folder: names, records, who may work at one, where they lie."""

import fcntl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.models import RunRecord, TrainingSet, TrainSummary
from schemas.training import PreparedData, TrainParams
from tasks.store import DataRoot, get_run, locate_models, locate_prepared, name_run
from tasks.store.model_card import render_model_card

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
        (make_record(epochs=1), "run mine is there with --epochs 3.0 and not 1.0"),
        (make_record(cpu=True), "--cpu False and not True"),
        (make_record(DATASET.model_copy(update={"content_hash": "d" * 64})), r"data dataset demo v2 \(cccc"),
        (make_record().model_copy(update={"tokenizer": "lab/chat@def"}), "tokenizer lab/chat@abc and not lab/chat@def"),
    ],
)
def test_a_run_that_was_asked_for_other_things_is_turned_down(tmp_path: Path, record: RunRecord, line: str) -> None:
    run = get_run(tmp_path, "mine")
    with run.hold(make_record()):
        pass
    with pytest.raises(UserError, match=line), run.hold(record):
        pytest.fail("it was let in")
    assert run.read_record() == make_record()


def test_how_the_dataset_was_named_and_where_it_lies_makes_no_other_run(tmp_path: Path) -> None:
    run = get_run(tmp_path, "mine")
    with run.hold(make_record()):
        pass
    assert run.check(make_record(DATASET.model_copy(update={"path": "elsewhere"}), dataset="demo")) is not None


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
    summary = make_summary(make_record())
    run.finish(summary)
    assert not (run.folder / "checkpoints").exists()
    assert run.read_summary() is None
    run.final.mkdir()
    (run.final / "config.json").write_text("{}")
    assert run.read_summary() == summary


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


def test_a_name_says_model_data_and_method() -> None:
    name = name_run(TrainParams(method="lora"), DATASET, "t")
    assert name.startswith("vicuna-7b-v1.5-demo-v2-lora-")


def test_no_run_can_be_named_as_the_prepared_data_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run name"):
        get_run(tmp_path, locate_prepared(tmp_path, "key").parent.name)


def test_the_card_tells_data_recipe_and_figures() -> None:
    card = render_model_card(make_summary(make_record(method="lora")), {"unknown_function": 4, "no_tool_call": 1})
    for told in (
        "base_model: lmsys/vicuna-7b-v1.5", "| dataset | demo v2 |", "`gpt-x`", "c" * 64, "5" * 64,
        "| left out: longer than 4,096 tokens | 7 |", "| trained on | 90 |", "`unknown_function` 4, `no_tool_call` 1.",
        "| `method` | lora |", "| loss at the last logged step | 0.7500 |", "60.00 GiB", "64.00 GiB",
        "2 × NVIDIA Test", "| torch | 2 |", "| highest learning rate | 2e-05 |",
    ):  # fmt: skip
        assert told in card, told
    assert "grammar" not in card


def test_the_card_names_no_folder_of_the_machine_that_trained() -> None:
    record = make_record(model="/somewhere/private/my-model")
    card = render_model_card(make_summary(record, first_loss=None, last_loss=None), {})
    assert "somewhere" not in card
    assert "`my-model` fine-tuned" in card
    assert "base_model" not in card
    assert "| loss at the first logged step | unknown |" in card
