"""What the machine is said to have, by an nvidia-smi that answers as a real one does."""

import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from schemas.errors import UserError
from tasks.supervision import machine as module
from tasks.supervision.machine import Gpu, Machine, read_free_disk, read_gpus, read_machine, read_memory

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
    ("visible", "free"),
    [
        ("1", [1024]),
        ("GPU-aaaa", [80000]),
        ("GPU-aaaa1111", [80000]),
        ("1,0", [80000, 1024]),
        (" 1 , GPU-aaaa ", [80000, 1024]),
        ("0,", [80000]),
        ("aaaa", []),  # an identifier begins with GPU
        ("GPU-aaaa11112", []),
        ("10", []),
        ("", []),
        ("-1", []),
    ],
)
def test_only_cards_that_cuda_may_use_count(
    nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch, visible: str, free: list[int]
) -> None:
    answer(nvidia_smi, TWO_CARDS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.free // 2**20 for gpu in read_gpus()] == free


def test_a_driver_that_fails_is_named_and_not_taken_for_a_machine_without_cards(nvidia_smi: Path) -> None:
    answer(nvidia_smi, "Failed to initialize NVML:\n  Driver/library version mismatch\n", 18)
    with pytest.raises(UserError) as caught:
        read_gpus()
    assert str(caught.value) == (
        "nvidia-smi fails, so no GPU can be used: Failed to initialize NVML: Driver/library version mismatch."
    )


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo out; echo err >&2; exit 1", "out err."), ("exit 9", "status 9."), ("kill -9 $$", "status -9.")],
)
def test_a_driver_that_fails_is_quoted_or_its_status_is_told(nvidia_smi: Path, script: str, said: str) -> None:
    nvidia_smi.write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(UserError) as caught:
        read_gpus()
    assert str(caught.value) == f"nvidia-smi fails, so no GPU can be used: {said}"


def test_a_driver_that_hangs_is_named(nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given a minute, which the test does not wait for."""
    run, given = subprocess.run, list[float]()

    def hurry(*arguments: Any, timeout: float, **options: Any) -> Any:
        given.append(timeout)
        return run(*arguments, timeout=0.05, **options)

    nvidia_smi.write_text("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(subprocess, "run", hurry)
    with pytest.raises(UserError, match=r"nvidia-smi gave no answer in 60 s: the driver hangs; see dmesg\."):
        read_gpus()
    assert given == [60.0]


def test_empty_lines_are_no_cards(nvidia_smi: Path) -> None:
    answer(nvidia_smi, f"\n{TWO_CARDS}\n")
    assert len(read_gpus()) == 2


@pytest.mark.parametrize("sizes", ["[N/A], [N/A]", "81920, [N/A]", "[N/A], 1024", "", "81920"])
def test_a_card_that_does_not_say_its_memory_is_named(nvidia_smi: Path, sizes: str) -> None:
    answer(nvidia_smi, f"0, GPU-c, NVIDIA GB10, {sizes}\n")
    with pytest.raises(UserError) as caught:
        read_gpus()
    assert str(caught.value) == ("nvidia-smi does not say how much memory NVIDIA GB10 has; use another card, or --cpu.")


def test_a_machine_without_nvidia_smi_has_no_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_gpus() == ()


def test_the_machine_is_its_cards_and_its_memory(nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(nvidia_smi, TWO_CARDS)
    monkeypatch.setattr(module, "read_memory", lambda: 7)
    assert read_machine() == Machine(read_gpus(), 7)
    assert len(read_machine().gpus) == 2


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a million bytes to be had, and a folder in place of the root: /sys is what is written there."""
    monkeypatch.setattr(module, "Path", lambda path: tmp_path / path.removeprefix("/"))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**6, free=10**5, total=10**7))
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize(
    ("limit", "used", "memory"),
    [
        (None, None, 10**6),
        ("max\n", "5\n", 10**6),  # a container without a limit
        ("900000\n", "100000\n", 800000),
        ("900000\n", None, 10**6),
        ("9000000000\n", "100000\n", 10**6),  # the machine has less than the container may
    ],
)
def test_memory_is_what_is_available_within_the_containers_limit(
    system: Path, limit: str | None, used: str | None, memory: int
) -> None:
    for name, text in (("max", limit), ("current", used)):
        if text is not None:
            write(system, f"sys/fs/cgroup/memory.{name}", text)
    assert read_memory() == memory


def test_this_machine_has_memory() -> None:
    assert 2**20 < read_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize("below", [".", "not", "not/there/yet"])
def test_the_disk_is_that_on_which_the_folder_lies_or_will(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> Any:
        asked.append(path)
        return SimpleNamespace(total=9, used=5, free=4)

    assert 0 < read_free_disk(tmp_path / below) <= shutil.disk_usage(tmp_path).total
    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert read_free_disk(tmp_path / below) == 4
    assert asked == [tmp_path]
