"""Each end has a status of its own, told from the errors as the libraries raise them, and from no others."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.trainer.early_ends import DivergedError, SavingError, StoppedError
from tasks.trainer.endings import EXIT_STATUS, USAGE, classify_error
from tests.train_extra import needs_train_extra

FULL = Path("/dev/full")  # a file on a disk that is full
needs_full_disk = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")

ZIP_WRITER = "[enforce fail at inline_container.cc:626] . unexpected pos 64 vs 0"


def catch(work: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is, is what is asked
        work()
    return caught.value


def fail(error: BaseException) -> Callable[[], object]:
    def work() -> None:
        raise error

    return work


def save_as_checkpoint(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as error:
        raise SavingError(f"the checkpoint of step 3 could not be written: {error}") from error


def write_text() -> None:
    with FULL.open("w") as file:
        file.write("x")


def save_tensor() -> None:
    import torch

    torch.save({"weight": torch.ones(2**18)}, FULL)


@needs_full_disk
@pytest.mark.parametrize("writer", [write_text, pytest.param(save_tensor, marks=needs_train_extra)])
def test_a_disk_that_is_full_is_told_by_what_writing_to_it_says(writer: Callable[[], object]) -> None:
    status, message = classify_error(catch(lambda: save_as_checkpoint(writer)))
    assert status == "disk_full"
    assert message.endswith(": make room and start the run again, it goes on from its checkpoint")


DISK_FULL = [
    OSError(errno.ENOSPC, "Kein Platz"),  # a system that speaks another language
    OSError(errno.EDQUOT, "Kein Platz"),
    OSError(errno.EFBIG, "Kein Platz"),
    RuntimeError("I/O error: No space left on device (os error 28)"),
    RuntimeError("No space left on device"),
    RuntimeError("Disk quota exceeded"),
    RuntimeError("File too large"),
    RuntimeError("Error while serializing: Io (os error 28)"),
    RuntimeError("Error while serializing: Io (os error 27)"),
]


@pytest.mark.parametrize("error", DISK_FULL, ids=str)
def test_a_full_disk_is_one_wherever_it_is_met(error: Exception) -> None:
    assert classify_error(error)[0] == "disk_full"
    assert classify_error(catch(lambda: save_as_checkpoint(fail(error))))[0] == "disk_full"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, os.strerror(errno.EACCES)),
        OSError(errno.EROFS, os.strerror(errno.EROFS)),
        OSError(errno.EIO, os.strerror(errno.EIO)),
        OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
        RuntimeError("Error while serializing: I/O error: No such file or directory (os error 2)"),
        RuntimeError("Parent directory none does not exist."),
    ],
    ids=str,
)
def test_what_cannot_be_written_for_another_reason_is_a_failure(error: Exception) -> None:
    assert classify_error(error)[0] == "failed"
    assert classify_error(catch(lambda: save_as_checkpoint(fail(error))))[0] == "failed"


@pytest.mark.parametrize(
    "words", ["PytorchStreamWriter failed writing file data/0", ZIP_WRITER, "iostream error", "unexpected pos 64"]
)
def test_torchs_words_for_a_write_that_failed_mean_a_full_disk_where_something_was_saved_only(words: str) -> None:
    """It reads archives with the same words."""
    assert classify_error(catch(lambda: save_as_checkpoint(fail(RuntimeError(words)))))[0] == "disk_full"
    assert classify_error(RuntimeError(words))[0] == "failed"


def test_the_system_is_quoted_on_a_full_disk() -> None:
    """However far behind the error that is met."""

    def save() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "/disk/weights")
        except OSError as error:
            raise RuntimeError("the archive is not whole") from error

    error = catch(lambda: save_as_checkpoint(save))
    assert classify_error(error)[1] == (
        "[Errno 28] No space left on device: '/disk/weights': make room and start the run again, "
        "it goes on from its checkpoint"
    )


class AcceleratorError(RuntimeError):
    """As torch's: whatever the driver reports."""


class OutOfMemoryError(RuntimeError):
    """As torch's."""


OUT_OF_MEMORY = [
    OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    OutOfMemoryError("HIP: 2.00 GiB are too many"),
    AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be reported asynchronously"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: you tried to allocate 8 bytes"),
    RuntimeError("can't allocate memory"),
    MemoryError(),
    MemoryError("no room for an array"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=repr)
def test_out_of_memory_says_what_would_help(error: Exception) -> None:
    status, message = classify_error(error)
    assert status == "out_of_memory"
    assert message.endswith(
        ": lower max_length, take optimizer adafactor or method lora, or turn gradient_checkpointing on"
    )
    assert message.startswith(str(error).split("\n")[0] or "MemoryError")
    assert "\n" not in message


@pytest.mark.parametrize(
    "error",
    [
        AcceleratorError("CUDA error: an illegal memory access was encountered"),
        AcceleratorError("CUDA error: device-side assert triggered"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("Expected all tensors to be on the same device"),
        ValueError("the answer is out of memory"),
        KeyError("memory"),
        OSError(errno.ENOENT, "No such file or directory", "memory.bin"),
    ],
    ids=str,
)
def test_what_only_speaks_of_memory_is_a_failure(error: Exception) -> None:
    assert classify_error(error)[0] == "failed"


@needs_train_extra
def test_torch_itself_is_understood() -> None:
    import torch

    assert classify_error(torch.OutOfMemoryError("CUDA out of memory."))[0] == "out_of_memory"
    assert classify_error(catch(lambda: torch.empty(2**60)))[0] == "out_of_memory"


@needs_train_extra
def test_a_folder_that_is_not_there_is_no_full_disk(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    missing = tmp_path / "none" / "weights"
    error = catch(lambda: save_as_checkpoint(lambda: save_file({"weight": torch.ones(2)}, missing)))
    assert classify_error(error)[0] == "failed"


def test_memory_that_ran_out_while_saving_is_no_full_disk() -> None:
    error = catch(lambda: save_as_checkpoint(fail(OutOfMemoryError("CUDA out of memory."))))
    status, message = classify_error(error)
    assert status == "out_of_memory"
    assert message.startswith("the checkpoint of step 3 could not be written: CUDA out of memory.: lower")


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (
            DivergedError("the loss is nan at step 3"),
            ("diverged", "the loss is nan at step 3; lower learning_rate, or raise warmup_share"),
        ),
        (StoppedError("SIGTERM after step 4"), ("stopped", "SIGTERM after step 4")),
        (KeyboardInterrupt(), ("stopped", "")),
        (ValueError("\n  first line \nsecond line"), ("failed", "ValueError: first line")),
        (AssertionError(), ("failed", "AssertionError: AssertionError")),
        (SystemExit(3), ("failed", "SystemExit: 3")),
    ],
)
def test_every_other_end_is_named_in_one_line(error: BaseException, end: tuple[str, str]) -> None:
    assert classify_error(error) == end


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (DivergedError("a weight is no number any more after step 3"), "diverged"),
        (StoppedError("SIGTERM after step 4"), "stopped"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (MemoryError(), "out_of_memory"),
        (ValueError("something"), "failed"),
    ],
    ids=str,
)
@pytest.mark.parametrize("chained", [True, False])
def test_what_lies_behind_an_error_decides(cause: Exception, status: str, chained: bool) -> None:
    """Also two errors behind it, and where it was raised while the other was handled."""

    def work() -> None:
        try:
            try:
                raise cause
            except Exception as first:
                if chained:
                    raise RuntimeError("second") from first
                raise RuntimeError("second")  # noqa: B904 - not chained on purpose
        except RuntimeError as second:
            raise RuntimeError("third") from second

    assert classify_error(catch(work))[0] == status


def test_what_was_behind_an_error_decides_in_this_order() -> None:
    """A run that diverges often fails on in other ways, and one that is stopped must not be taken for a failed one."""
    errors = [MemoryError(), OSError(errno.ENOSPC, "full"), StoppedError("stopped"), DivergedError("nan")]
    found = []
    chain: BaseException = ValueError("the first")
    for error in errors:
        error.__cause__ = chain
        chain = error
        found.append(classify_error(chain)[0])
    assert found == ["out_of_memory", "disk_full", "stopped", "diverged"]


def test_errors_that_are_behind_one_another_in_a_circle_end_the_run_too() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    assert classify_error(first) == ("failed", "ValueError: first")


def test_each_status_has_the_exit_status_that_is_promised() -> None:
    assert dict(EXIT_STATUS) == {
        "done": 0, "failed": 1, "diverged": 3, "out_of_memory": 4, "disk_full": 5, "stopped": 6
    }  # fmt: skip
    assert USAGE == 2
