"""What is done after every optimizer step: tell it, see whether it makes sense, and whether the run is to stop."""

import resource
import signal
import sys
import time
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState

from schemas.training import StepEvent
from tasks.trainer.early_ends import DivergedError, NothingLeftError
from tasks.trainer.fine_tuning import check_loss, find_explosion
from tasks.trainer.journal import Journal


class StopSignal:
    """Whether SIGTERM or SIGINT has come. From `listen` on neither ends the process by itself."""

    def __init__(self) -> None:
        self.name = ""

    def listen(self) -> None:
        """Take the two signals; only the main thread can."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.name = signal.Signals(number).name

    def agree(self, state: Any) -> bool:
        """Whether any process of the run was told to stop; all of them must ask, at the same step."""
        if state.num_processes == 1:
            return bool(self.name)
        told = torch.tensor([int(bool(self.name))], device=state.device)
        torch.distributed.all_reduce(told)
        return bool(told.item())


class Watcher(TrainerCallback):  # type: ignore[misc]
    """Turns the trainer's logs into events, and raises DivergedError where they make no sense.

    Tokens are those of the step alone, over all processes; its time runs from the step's begin to its end, without the
    checkpoint that may follow.
    """

    def __init__(self, journal: Journal, stop: StopSignal, distributed: Any) -> None:
        self._journal, self._stop, self._distributed = journal, stop, distributed
        self._begun = time.monotonic()
        self._tokens = 0
        self._losses: list[float] = []
        self.stopped = False

    def on_step_begin(self, args: Any, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        if state.global_step >= state.max_steps:  # the trainer would make one more
            raise NothingLeftError
        self._begun = time.monotonic()

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        if self._stop.agree(self._distributed) and state.global_step < state.max_steps:
            self.stopped = True
            control.should_save = control.should_training_stop = True

    def on_log(
        self, args: Any, state: TrainerState, control: TrainerControl, logs: dict[str, float] | None = None, **rest: Any
    ) -> None:
        if not logs or "loss" not in logs:  # the summary at the end
            return
        seconds = max(time.monotonic() - self._begun, 1e-9)
        total = int(logs.get("num_tokens", 0))
        tokens, self._tokens = total - self._tokens, total
        loss, grad_norm = float(logs["loss"]), logs.get("grad_norm")
        grad_norm = None if grad_norm is None else float(grad_norm)
        check_loss(state.global_step, loss, grad_norm)
        self._journal.step(
            StepEvent(
                step=state.global_step,
                max_steps=state.max_steps,
                epoch=float(state.epoch or 0.0),
                loss=loss,
                grad_norm=grad_norm,
                learning_rate=float(logs["learning_rate"]),
                tokens=tokens,
                tokens_per_second=tokens / seconds,
                memory_bytes=measure_peak_memory(),
            )
        )
        self._losses.append(loss)
        if find_explosion(self._losses[0], self._losses):
            raise DivergedError(
                f"the loss has gone from {self._losses[0]:.3g} to {loss:.3g} at step {state.global_step}"
            )

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        self._journal.note(f"checkpoint of step {state.global_step} saved")


def measure_peak_memory() -> int:
    """The most bytes that were in use at a time: on the GPU, or without one of the process."""
    if torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
