"""Each end has a status of its own, told from the errors as the libraries raise them."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tasks.trainer.endings import EXIT_STATUS, USAGE, classify_error
from tasks.trainer.failures import DivergedError, SavingError, StoppedError

FULL = Path("/dev/full")  # a file on a disk that is full


def catch(work: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is, is what is asked
        work()
    return caught.value


def save_as_checkpoint(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as error:
        raise SavingError(f"the checkpoint of step 3 could not be written: {error}") from error


def write_text() -> None:
    with FULL.open("w") as file:
        file.write("x")


WRITERS: dict[str, Callable[[], object]] = {
    "torch": lambda: torch.save({"weight": torch.ones(2**18)}, FULL),
    "python": write_text,
    "quota": lambda: (_ for _ in ()).throw(OSError(errno.EDQUOT, "Disk quota exceeded")),
    "safetensors": lambda: (_ for _ in ()).throw(
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    ),
}


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_told_from_other_errors(writer: str) -> None:
    status, message = classify_error(catch(lambda: save_as_checkpoint(WRITERS[writer])))
    assert status == "disk_full"
    assert "make room" in message


def test_a_checkpoint_that_cannot_be_written_for_another_reason_is_a_failure(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "weights"
    error = catch(lambda: save_as_checkpoint(lambda: save_file({"weight": torch.ones(2)}, missing)))
    assert classify_error(error)[0] == "failed"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_out_of_memory_says_what_would_help(error: Exception) -> None:
    status, message = classify_error(error)
    assert status == "out_of_memory"
    assert all(word in message for word in ("max_length", "adafactor", "lora", "gradient_checkpointing"))


def test_an_allocation_that_cannot_be_is_out_of_memory() -> None:
    assert classify_error(catch(lambda: torch.empty(2**60)))[0] == "out_of_memory"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DivergedError("the loss is nan at step 3"), "diverged"),
        (StoppedError("SIGTERM after step 4"), "stopped"),
        (KeyboardInterrupt(), "stopped"),
        (ValueError("first line\nsecond line"), "failed"),
    ],
)
def test_every_other_end_is_named(error: BaseException, status: str) -> None:
    found, message = classify_error(error)
    assert found == status
    assert "\n" not in message


def test_a_divergence_found_while_saving_is_one() -> None:
    def fail() -> None:
        raise DivergedError("a weight is no number any more after step 3")

    assert classify_error(catch(lambda: save_as_checkpoint(fail)))[0] == "diverged"


def test_each_status_has_an_exit_status_of_its_own() -> None:
    assert len({*EXIT_STATUS.values(), USAGE}) == len(EXIT_STATUS) + 1
