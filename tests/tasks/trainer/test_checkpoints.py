"""Which checkpoints are whole: taken apart in every way; a new one replaces the old one only when it is there."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tasks.trainer.checkpoints import WRITING, find_defect, find_newest, install, remove_broken


def make_checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_file({"weight": torch.ones(8, 8)}, path / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt"):
        torch.save({"step": step}, path / name)
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return path


def cut(path: Path, keep: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])


def shard(path: Path) -> None:
    """The weights in two files, of which one is not there."""
    (path / "model.safetensors").rename(path / "model-00001-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "trainer_state.json, which is written last": lambda path: (path / "trainer_state.json").unlink(),
    "is missing or unreadable": lambda path: (path / "trainer_state.json").write_text('{"global_st'),
    "is of step 2": lambda path: (path / "trainer_state.json").write_text('{"global_step": 2}'),
    "there are no weights": lambda path: (path / "model.safetensors").unlink(),
    "model.safetensors is not readable": lambda path: cut(path / "model.safetensors", 0.9),
    "model-00002-of-00002.safetensors is missing": shard,
    "optimizer.pt is not readable": lambda path: cut(path / "optimizer.pt"),
    "scheduler.pt is not readable": lambda path: (path / "scheduler.pt").unlink(),
}


@pytest.mark.parametrize("defect", DAMAGE)
def test_a_checkpoint_that_lacks_anything_is_passed_over_and_removed(defect: str, tmp_path: Path) -> None:
    whole, damaged = make_checkpoint(tmp_path, 9), make_checkpoint(tmp_path, 10)
    DAMAGE[defect](damaged)
    assert defect in str(find_defect(damaged))
    assert find_newest(tmp_path) == whole
    assert [defect in line for line in remove_broken(tmp_path)] == [True]
    assert sorted(tmp_path.iterdir()) == [whole]


def test_any_byte_that_is_missing_is_missed(tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 1)
    weights = (path / "model.safetensors").read_bytes()
    for size in range(len(weights)):
        (path / "model.safetensors").write_bytes(weights[:size])
        assert find_defect(path) == "model.safetensors is not readable"
    (path / "model.safetensors").write_bytes(weights)
    assert find_defect(path) is None


def test_the_newest_is_that_of_the_highest_step(tmp_path: Path) -> None:
    for step in (9, 100, 20):
        make_checkpoint(tmp_path, step)
    assert find_newest(tmp_path) == tmp_path / "checkpoint-100"
    assert find_newest(tmp_path / "none") is None


def test_a_sharded_checkpoint_needs_its_metadata(tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 4)
    for name in ("model.safetensors", "optimizer.pt"):
        (path / name).unlink()
    for name in ("pytorch_model_fsdp_0", "optimizer_0"):
        (path / name).mkdir()
        (path / name / ".metadata").touch()
    assert find_defect(path) is None
    (path / "optimizer_0" / ".metadata").unlink()
    assert find_defect(path) == "optimizer_0 has no .metadata"


def test_a_new_checkpoint_takes_the_place_of_the_old_ones(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, 3)
    make_checkpoint(tmp_path / WRITING, 6)
    install(tmp_path, "checkpoint-6")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-6"]
    assert find_defect(tmp_path / "checkpoint-6") is None


def test_the_old_one_stays_where_the_new_one_cannot_be_put_in_place(tmp_path: Path) -> None:
    old = make_checkpoint(tmp_path, 3)
    with pytest.raises(OSError, match="checkpoint-6"):
        install(tmp_path, "checkpoint-6")
    assert find_newest(tmp_path) == old


def test_what_a_killed_run_was_writing_is_removed(tmp_path: Path) -> None:
    whole = make_checkpoint(tmp_path, 3)
    shutil.copytree(whole, tmp_path / WRITING / "checkpoint-6")
    assert remove_broken(tmp_path) == ["removed a checkpoint that was being written when the run ended"]
    assert list(tmp_path.iterdir()) == [whole]
