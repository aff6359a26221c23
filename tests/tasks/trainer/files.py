"""Checkpoints as torch and safetensors lay them out, written without either."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Any


def write_weights(path: Path, header: dict[str, Any] | None = None) -> Path:
    """A safetensors file; without a header of one's own, one of two float32 tensors that lie in another order."""
    tensors = {
        "__metadata__": {"format": "pt"},
        "a.weight": {"dtype": "F32", "shape": [8], "data_offsets": [16, 48]},
        "b.weight": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
    }
    text = json.dumps(tensors if header is None else header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + (bytes(48) if header is None else b""))
    return path


def write_archive(path: Path) -> Path:
    """What torch.save makes is a zip archive."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", bytes(100))
    return path


def make_checkpoint(folder: Path, step: int) -> Path:
    """`folder`/checkpoint-<step>, whole."""
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    write_weights(path / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt"):
        write_archive(path / name)
    write_state(path, step)
    return path


def write_state(path: Path, step: int) -> None:
    """What the trainer writes last."""
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}))


def shard_weights(path: Path) -> None:
    """The weights in two files with an index, whole."""
    (path / "model.safetensors").unlink()
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for name in names:
        write_weights(path / name)
    index = {"metadata": {}, "weight_map": {"a": names[0], "b": names[1], "c": names[0]}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))


def shard_whole(path: Path) -> None:
    """Weights and optimizer as several processes write them: folders, each with its .metadata."""
    for name in ("model.safetensors", "optimizer.pt"):
        (path / name).unlink()
    for name in ("pytorch_model_fsdp_0", "optimizer_0"):
        (path / name).mkdir()
        (path / name / "__0_0.distcp").write_bytes(bytes(8))
        (path / name / ".metadata").touch()
