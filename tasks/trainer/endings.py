"""How a training run ends: by which status, with what exit status, and what its last line says.

| status | exit | when |
| --- | --- | --- |
| `done` | 0 | final/ is there and whole |
| `failed` | 1 | anything that has no line here |
| (usage) | 2 | the command line or the spec cannot be read; no event is written |
| `diverged` | 3 | the loss or the gradient is no number, or the loss has exploded |
| `out_of_memory` | 4 | the GPU's or the machine's memory is used up |
| `disk_full` | 5 | a checkpoint or the model could not be written; the checkpoint before it is whole |
| `stopped` | 6 | SIGTERM or SIGINT: a checkpoint was written, and the run can be gone on with |

`accelerate launch` itself ends with 1 whatever its child's status is: the last event tells. Needs no torch.
"""

import errno
from collections.abc import Iterator
from types import MappingProxyType

from schemas.training import EndStatus
from tasks.trainer.early_ends import DivergedError, SavingError, StoppedError

EXIT_STATUS = MappingProxyType[EndStatus, int](
    {"done": 0, "failed": 1, "diverged": 3, "out_of_memory": 4, "disk_full": 5, "stopped": 6}
)
USAGE = 2

_DISK_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DISK_WORDS = ("no space left on device", "disk quota exceeded", "file too large", "os error 28", "os error 27")
_DISK_WRITERS = ("pytorchstreamwriter failed", "inline_container", "iostream error", "unexpected pos")
"""How torch.save says that a write failed; it keeps the system's own word to itself."""
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "defaultcpuallocator")


def classify_error(error: BaseException) -> tuple[EndStatus, str]:
    """The status that an exception ends the run with, and one line that says what happened and what would help."""
    chain = list(_follow(error))
    if any(isinstance(one, DivergedError) for one in chain):
        return "diverged", f"{error}; lower learning_rate, or raise warmup_share"
    if any(isinstance(one, (StoppedError, KeyboardInterrupt)) for one in chain):
        return "stopped", str(error)
    if any(_is_disk_full(one, saving=isinstance(error, SavingError)) for one in chain):
        return (
            "disk_full",
            f"{_first_line(chain[-1])}: make room and start the run again, it goes on from its checkpoint",
        )
    if any(_is_out_of_memory(one) for one in chain):
        return "out_of_memory", (
            f"{_first_line(error)}: lower max_length, take optimizer adafactor or method lora, "
            "or turn gradient_checkpointing on"
        )
    return "failed", f"{type(error).__name__}: {_first_line(error)}"


def _follow(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _is_disk_full(error: BaseException, saving: bool) -> bool:
    if isinstance(error, OSError) and error.errno in _DISK_ERRNOS:
        return True
    text = str(error).lower()
    return any(word in text for word in _DISK_WORDS) or (saving and any(word in text for word in _DISK_WRITERS))


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(word in str(error).lower() for word in _MEMORY_WORDS)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
