"""Which checkpoints are whole: taken apart in every way; which is the newest; what is removed and what stays."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.trainer.checkpoints import WRITING, find_defect, find_foreign_name, find_newest, remove_broken
from tests.tasks.trainer.files import (
    make_checkpoint,
    shard_weights,
    shard_whole,
    write_archive,
    write_state,
    write_weights,
)
from tests.tasks.trainer.mines import lay_mine
from tests.train_extra import needs_train_extra

STATE = "trainer_state.json, which is written last, is missing or unreadable"
INDEX = "model.safetensors.index.json"


def cut(path: Path, keep: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])


def write_state_text(text: str | bytes) -> Callable[[Path], object]:
    data = text if isinstance(text, bytes) else text.encode()
    return lambda path: (path / "trainer_state.json").write_bytes(data)


def lose_shard(number: int) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        shard_weights(path)
        (path / f"model-0000{number}-of-00002.safetensors").unlink()

    return damage


def write_index(text: str) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        shard_weights(path)
        (path / INDEX).write_text(text)

    return damage


def cut_shard(path: Path) -> None:
    shard_weights(path)
    cut(path / "model-00002-of-00002.safetensors")


def lose_shards(path: Path) -> None:
    for number in (1, 2):
        lose_shard(number)(path)
        (path / "model.safetensors").touch()
    (path / "model-00001-of-00002.safetensors").unlink()


def make_index_a_folder(path: Path) -> None:
    shard_weights(path)
    (path / INDEX).unlink()
    (path / INDEX).mkdir()


def lose_metadata(name: str) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        shard_whole(path)
        (path / name / ".metadata").unlink()

    return damage


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no state": (lambda path: (path / "trainer_state.json").unlink(), STATE),
    "half a state": (write_state_text('{"global_st'), STATE),
    "a state that is no text": (write_state_text(b"\xff\xfe"), STATE),
    "a state without a step": (write_state_text('{"epoch": 1}'), STATE),
    "a state that is a list": (write_state_text("[10]"), STATE),
    "another checkpoint's state": (lambda path: write_state(path, 2), "trainer_state.json is of step 2"),
    "no weights": (lambda path: (path / "model.safetensors").unlink(), "there are no weights"),
    "half the weights": (lambda path: cut(path / "model.safetensors", 0.9), "model.safetensors is not readable"),
    "no first shard": (lose_shard(1), "model-00001-of-00002.safetensors is missing"),
    "no second shard": (lose_shard(2), "model-00002-of-00002.safetensors is missing"),
    "no shard": (lose_shards, "model-00001-of-00002.safetensors is missing"),
    "an index that is a folder": (make_index_a_folder, f"{INDEX} is missing"),
    "half a shard": (cut_shard, "model-00002-of-00002.safetensors is not readable"),
    "half an index": (write_index('{"weight_map": {"a"'), f"{INDEX} is missing"),
    "an index of nothing": (write_index("{}"), f"{INDEX} is missing"),
    "an index that is a list": (write_index('{"weight_map": ["a"]}'), f"{INDEX} is missing"),
    "no optimizer": (lambda path: (path / "optimizer.pt").unlink(), "optimizer.pt is not readable"),
    "half an optimizer": (lambda path: cut(path / "optimizer.pt"), "optimizer.pt is not readable"),
    "no schedule": (lambda path: (path / "scheduler.pt").unlink(), "scheduler.pt is not readable"),
    "half a schedule": (lambda path: cut(path / "scheduler.pt"), "scheduler.pt is not readable"),
    "no metadata of the weights": (lose_metadata("pytorch_model_fsdp_0"), "pytorch_model_fsdp_0 has no .metadata"),
    "no metadata of the optimizer": (lose_metadata("optimizer_0"), "optimizer_0 has no .metadata"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_checkpoint_that_lacks_anything_is_passed_over_and_removed(damage: str, tmp_path: Path) -> None:
    whole, damaged = make_checkpoint(tmp_path, 9), make_checkpoint(tmp_path, 10)
    work, defect = DAMAGE[damage]
    work(damaged)
    assert find_defect(damaged) == defect
    assert find_newest(tmp_path) == whole
    assert remove_broken(tmp_path) == [f"removed checkpoint-10, which is not whole: {defect}"]
    assert sorted(tmp_path.iterdir()) == [whole]


def rename_to_adapter(path: Path) -> None:
    (path / "model.safetensors").rename(path / "adapter_model.safetensors")


@pytest.mark.parametrize("change", [lambda path: None, rename_to_adapter, shard_weights, shard_whole],
                         ids=["one file", "an adapter", "two files", "several processes"])  # fmt: skip
def test_a_whole_checkpoint_is_kept_whichever_way_it_is_written(
    change: Callable[[Path], object], tmp_path: Path
) -> None:
    older, path = make_checkpoint(tmp_path, 3), make_checkpoint(tmp_path, 4)
    change(path)
    assert find_defect(path) is None
    assert find_newest(tmp_path) == path
    assert remove_broken(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == [older, path]


@needs_train_extra
def test_what_torch_and_safetensors_write_is_whole(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    path = make_checkpoint(tmp_path, 1)
    save_file({"weight": torch.ones(8, 8), "bias": torch.ones(3)}, path / "model.safetensors", {"format": "pt"})
    for name in ("optimizer.pt", "scheduler.pt"):
        torch.save({"step": torch.ones(9)}, path / name)
    assert find_defect(path) is None


def test_any_byte_that_is_missing_is_missed(tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 1)
    weights = (path / "model.safetensors").read_bytes()
    for size in range(len(weights)):
        (path / "model.safetensors").write_bytes(weights[:size])
        assert find_defect(path) == "model.safetensors is not readable"
    (path / "model.safetensors").write_bytes(weights)
    assert find_defect(path) is None


def test_a_folder_in_place_of_the_weights_is_not_readable(tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 1)
    (path / "model.safetensors").unlink()
    (path / "model.safetensors").mkdir()
    assert find_defect(path) == "model.safetensors is not readable"


def test_a_byte_too_many_is_seen(tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 1)
    with (path / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert find_defect(path) == "model.safetensors is not readable"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(64),
        b"\xff" * 64,
        bytes(7) + b"\x40" + bytes(64),
        b"\2" + bytes(7) + b"[]",
        b"\2" + bytes(7) + b"\xff\xff",
    ],
    ids=["nothing", "zeros", "ones", "a header that no memory holds", "a list", "no text"],
)
def test_weights_that_a_crash_left_as_anything_at_all_are_not_readable(data: bytes, tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 1)
    (path / "model.safetensors").write_bytes(data)
    assert find_defect(path) == "model.safetensors is not readable"


@pytest.mark.parametrize(
    "header", [{"a": {}}, {"a": 5}, {"a": {"data_offsets": []}}, {"a": {"data_offsets": [0, "x"]}}]
)
def test_a_header_that_does_not_say_where_a_tensor_lies_is_not_readable(header: Any, tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 1)
    write_weights(path / "model.safetensors", header)
    assert find_defect(path) == "model.safetensors is not readable"


def test_weights_of_nothing_are_whole(tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path, 1)
    write_weights(path / "model.safetensors", {"__metadata__": {"format": "pt"}})
    assert find_defect(path) is None


def test_the_newest_is_that_of_the_highest_step(tmp_path: Path) -> None:
    for step in (9, 100, 20):
        make_checkpoint(tmp_path, step)
    assert find_newest(tmp_path) == tmp_path / "checkpoint-100"
    (tmp_path / "checkpoint-100" / "optimizer.pt").unlink()
    assert find_newest(tmp_path) == tmp_path / "checkpoint-20"


def test_where_no_checkpoint_is_there_is_none(tmp_path: Path) -> None:
    assert find_newest(tmp_path / "none") is None
    assert remove_broken(tmp_path / "none") == []
    make_checkpoint(tmp_path, 3)
    (tmp_path / "checkpoint-3" / "optimizer.pt").unlink()
    assert find_newest(tmp_path) is None


def test_what_is_named_otherwise_is_nobodys_checkpoint(tmp_path: Path) -> None:
    """It is neither gone on from nor removed."""
    others = [tmp_path / name for name in ("checkpoint-best", "checkpoint-12.bak", "old-checkpoint-12")]
    for path in others:
        shutil.copytree(make_checkpoint(tmp_path / "made", 12), path)
        shutil.rmtree(tmp_path / "made")
    assert find_newest(tmp_path) is None
    assert remove_broken(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_what_a_killed_run_was_writing_is_removed_with_the_rest(tmp_path: Path) -> None:
    whole, torn = make_checkpoint(tmp_path, 3), make_checkpoint(tmp_path, 6)
    shutil.copytree(whole, tmp_path / WRITING / "checkpoint-9")
    (torn / "optimizer.pt").unlink()
    assert remove_broken(tmp_path) == [
        "removed checkpoint-6, which is not whole: optimizer.pt is not readable",
        "removed a checkpoint that was being written when the run ended",
    ]
    assert list(tmp_path.iterdir()) == [whole]
    write_archive(whole / "optimizer.pt")
    assert json.loads((whole / "trainer_state.json").read_text())["global_step"] == 3


@needs_train_extra
def test_what_torch_writes_of_shards_names_nothing_foreign(tmp_path: Path) -> None:
    import torch
    import torch.distributed.checkpoint as shards

    path = make_checkpoint(tmp_path, 1)
    model = torch.nn.Linear(2, 2).to(torch.bfloat16)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2, dtype=torch.bfloat16)).sum().backward()
    optimizer.step()
    for name, state in (("pytorch_model_fsdp_0", model.state_dict()), ("optimizer_0", optimizer.state_dict())):
        shards.save({"state": state}, checkpoint_id=str(path / name), no_dist=True)
    assert find_foreign_name(path) is None


def test_what_describes_the_shards_may_name_nothing_else(tmp_path: Path) -> None:
    """torch reads it as a plain pickle."""
    path, mark = make_checkpoint(tmp_path, 1), tmp_path / "it was run"
    shard_whole(path)
    assert find_foreign_name(make_checkpoint(tmp_path, 2)) is None
    lay_mine(path / "optimizer_0" / ".metadata", mark)
    (path / "pytorch_model_fsdp_0" / ".metadata").write_bytes(pickle.dumps({"a": 1}))
    assert find_foreign_name(path) == "optimizer_0/.metadata: it names 'pathlib.Path.touch'"
    for text in (b"", b"\x80\x04.", b"cos\nsystem\n", b"ctorch\nload\n.", b"cposix\nsystem\n(S'true'\ntR."):
        (path / "optimizer_0" / ".metadata").write_bytes(text)
        assert str(find_foreign_name(path)).startswith("optimizer_0/.metadata")
    assert not mark.exists()


@pytest.mark.parametrize("name", ["../../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", 7])
def test_an_index_that_leads_out_of_its_checkpoint_makes_it_none(tmp_path: Path, name: object) -> None:
    path = make_checkpoint(tmp_path, 1)
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert find_defect(path) == f"{name} is missing"


@pytest.mark.parametrize("name", ["trainer_state.json", "model.safetensors.index.json"])
def test_what_is_nested_without_end_is_not_whole(tmp_path: Path, name: str) -> None:
    path = make_checkpoint(tmp_path, 1)
    (path / name).write_text("[" * 100_000)
    assert find_defect(path) is not None
