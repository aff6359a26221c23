"""What the machine is said to have, by an nvidia-smi that answers as a real one does."""

from pathlib import Path

import pytest

from schemas.errors import UserError
from tasks.supervision.machine import Gpu, read_free_disk, read_gpus, read_memory

GIB = 2**30
TWO_CARDS = """0, GPU-aaaa1111, NVIDIA A100-SXM4-80GB, 81920, 80000
1, GPU-bbbb2222, NVIDIA A100-SXM4-80GB, 81920, 1024
"""


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, first on the PATH; what is written to the file is what it does."""
    path = tmp_path / "nvidia-smi"
    path.touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return path


def answer(path: Path, text: str, status: int = 0) -> None:
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\nexit {status}\n")


def test_cards_have_their_names_and_memory_in_bytes(nvidia_smi: Path) -> None:
    answer(nvidia_smi, TWO_CARDS)
    assert read_gpus() == (
        Gpu("NVIDIA A100-SXM4-80GB", 80 * GIB, 80000 * 2**20),
        Gpu("NVIDIA A100-SXM4-80GB", 80 * GIB, 1 * GIB),
    )


def test_the_query_is_one_that_nvidia_smi_knows(nvidia_smi: Path, tmp_path: Path) -> None:
    nvidia_smi.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    assert read_gpus() == ()
    assert (tmp_path / "asked").read_text().split() == [
        "--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("visible", "free"), [("1", [1024]), ("GPU-aaaa", [80000]), ("1,0", [80000, 1024]), ("", []), ("-1", [])]
)
def test_only_cards_that_cuda_may_use_count(
    nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch, visible: str, free: list[int]
) -> None:
    answer(nvidia_smi, TWO_CARDS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.free // 2**20 for gpu in read_gpus()] == free


def test_a_driver_that_fails_is_named_and_not_taken_for_a_machine_without_cards(nvidia_smi: Path) -> None:
    answer(nvidia_smi, "Failed to initialize NVML: Driver/library version mismatch\n", 18)
    with pytest.raises(UserError, match="no GPU can be used: Failed to initialize NVML: Driver/library version mism"):
        read_gpus()


def test_a_card_that_does_not_say_its_memory_is_named(nvidia_smi: Path) -> None:
    answer(nvidia_smi, "0, GPU-c, NVIDIA GB10, [N/A], [N/A]\n")
    with pytest.raises(UserError, match="how much memory NVIDIA GB10 has"):
        read_gpus()


def test_a_machine_without_nvidia_smi_has_no_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_gpus() == ()


def test_memory_and_disk_are_there(tmp_path: Path) -> None:
    assert 0 < read_memory() < 2**50
    assert 0 < read_free_disk(tmp_path / "not" / "there" / "yet") < 2**60
