"""What a training run is asked for, what its child processes are told, and what they tell in return."""

from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Parameters, Record

Method = Literal["full", "lora"]
Optimizer = Literal["adamw", "adafactor"]
Template = Literal["auto", "vicuna", "react"]
Attention = Literal["auto", "varlen", "sdpa"]

Positive = Annotated[int, Field(ge=1)]


class TrainParams(Parameters):
    """Fine-tunes a chat model on a published dataset.

    The defaults are ToolAlpaca's recipe (arXiv 2306.05301, its train.py), but for packing and the longer sequences.
    """

    dataset: str = Field("", description="a dataset's name, name/version or folder; without it the newest of all")
    model: str = Field(
        "lmsys/vicuna-7b-v1.5", min_length=1, description="the model to start from: a hub id or a local folder"
    )
    name: str = Field("", description="the run's name, its folder under models/; a run that is there is gone on with")
    method: Method = Field("full", description="train all weights, or a low-rank adapter that is merged at the end")
    template: Template = Field(
        "auto",
        description="how a conversation is written: 'vicuna' (with tools as JSON), 'react' (ToolAlpaca's own form), or "
        "'auto': the model's own where it has one for tools, else 'vicuna'",
    )
    epochs: float = Field(3.0, gt=0, description="passes over the data")
    max_steps: Positive | None = Field(None, description="stop after so many optimizer steps, whatever the epochs")
    learning_rate: float | None = Field(None, gt=0, description="the peak; without it 2e-5, for LoRA 2e-4")
    warmup_share: float = Field(
        0.03, ge=0, lt=1, description="the share of steps over which the rate rises to its peak"
    )
    weight_decay: float = Field(0.0, ge=0, description="AdamW's weight decay")
    effective_batch: Positive = Field(128, description="conversations per optimizer step, over all GPUs")
    max_length: int = Field(4096, ge=128, description="tokens per sequence; longer conversations are left out")
    packing: bool = Field(True, description="put several conversations in one sequence, kept apart in attention")
    attention: Attention = Field(
        "auto", description="the attention kernel: 'varlen' where the machine has it, or 'sdpa'"
    )
    optimizer: Optimizer = Field("adamw", description="AdamW, or Adafactor, which needs less than half of the memory")
    gradient_checkpointing: bool = Field(True, description="compute activations twice to hold less of them")
    lora_rank: Positive = Field(16, description="the rank of the LoRA adapter")
    lora_alpha: Positive = Field(32, description="the scale of the LoRA adapter")
    cpu: bool = Field(False, description="train on the CPU in float32: for trials with small models")
    save_every: Positive = Field(50, description="optimizer steps between checkpoints; the newest whole one is kept")
    seed: int = Field(0, ge=0, lt=2**31, description="the seed of order and initial adapter weights")

    @property
    def short_model(self) -> str:
        """The hub id, or the last part of a folder's path."""
        is_path = self.model.startswith((".", "/", "~")) or self.model.count("/") > 1
        return PurePath(self.model).name if is_path else self.model


class PrepareSpec(Record):
    """What `python -m tasks.trainer.prepare SPEC` reads: train.parquet into token ids and labels.

    `train_file` is a local path; `output` is the folder that is made, whole or not at all.
    """

    train_file: str
    model: str
    template: Template
    max_length: int
    packing: bool
    seed: int
    output: str


class PreparedData(Record):
    """`prepared.json` in the folder of prepared data, written last.

    Counts are of conversations but for `sequences` (packed rows) and the tokens; `trained_tokens` are those with a
    label. There is no padding to count: training takes one sequence at a time, as long as it is.
    """

    rows: int
    kept: int
    too_long: int
    nothing_trained: int
    sequences: int
    tokens: int
    trained_tokens: int
    longest: int
    template: str
    template_hash: str


class TrainSpec(Record):
    """What `python -m tasks.trainer.train SPEC` reads, started by accelerate or directly.

    `prepared` is the folder that the preparation made; `run_folder` gets `checkpoints/`, `metrics.csv`, `events.jsonl`
    and `final/`. `cpu` (that of the parameters) trains on the CPU in float32.
    """

    params: TrainParams
    prepared: str
    run_folder: str
    cpu: bool = False


EndStatus = Literal["done", "stopped", "diverged", "out_of_memory", "disk_full", "failed"]


class StepEvent(Record):
    """One logged optimizer step: loss per trained token, tokens (padding left out) a second, peak memory in bytes."""

    kind: Literal["step"] = "step"
    step: int
    max_steps: int
    epoch: float
    loss: float
    grad_norm: float | None = None
    learning_rate: float
    tokens: int
    tokens_per_second: float
    memory_bytes: int


class NoteEvent(Record):
    """Something that the log of the run should say: the attention chosen, a checkpoint resumed from or saved."""

    kind: Literal["note"] = "note"
    text: str


class EndEvent(Record):
    """How the child ended, its last event. `message` says where and names the remedy; empty for `done`."""

    kind: Literal["end"] = "end"
    status: EndStatus
    step: int
    message: str = ""


TrainEvent = Annotated[StepEvent | NoteEvent | EndEvent, Field(discriminator="kind")]
