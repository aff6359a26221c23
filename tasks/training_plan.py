"""Whether a training run fits this machine, told before anything is loaded; if it does not, what would."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import UserError
from schemas.training import TrainParams
from tasks.supervision.machine import Machine, read_free_disk
from tasks.trainer.footprint import BFLOAT16, FLOAT32, MemoryEstimate, ModelShape, estimate_disk, estimate_memory

GIB = 2**30

_TIGHT = 0.92
"""A share of a card's memory beyond which the estimate is no promise."""

_SHORTEST = 1024
"""Tokens of a sequence that are still worth training on: ToolAlpaca's transcripts run to about 1,500."""


@dataclass(frozen=True)
class Plan:
    """What a run takes of the machine, in bytes, and the words that say so. `gpus` is 0 on the CPU."""

    gpus: int
    memory: MemoryEstimate
    disk: int
    lines: tuple[str, ...]


def plan_run(
    shape: ModelShape, params: TrainParams, machine: Machine, folder: Path, *, fetched: bool, held: int = 0
) -> Plan:
    """What the run takes, against what there is.

    `folder` is where the run is kept, and `held` the bytes that it holds there already. `fetched` says that the model's
    weights have to be fetched first.

    Raises:
        UserError: there is no GPU, or memory or disk cannot suffice; it names what would fit.
    """
    if not machine.gpus and not params.cpu:
        raise UserError(
            "there is no NVIDIA GPU here (no nvidia-smi that lists one). Train on a box that has one, by this command "
            "or by a worker of the pool `gpu` there; --cpu trains on the CPU: for trials with very small models."
        )
    gpus = 0 if params.cpu else len(machine.gpus)
    memory = estimate_memory(shape, params, gpus)
    _require_memory(shape, params, machine, gpus, memory)
    disk = estimate_disk(shape, params) + (shape.parameters * BFLOAT16 if fetched else 0)
    _require_disk(shape, params, folder, disk - held)
    return Plan(gpus, memory, disk, tuple(_describe(shape, params, machine, gpus, memory, disk, folder)))


def _find_room(machine: Machine, gpus: int) -> int:
    """Bytes free on the fullest device."""
    return min(gpu.free for gpu in machine.gpus) if gpus else machine.memory


def _require_memory(
    shape: ModelShape, params: TrainParams, machine: Machine, gpus: int, memory: MemoryEstimate
) -> None:
    room = _find_room(machine, gpus)
    if memory.total <= room:
        return
    where = "main memory" if not gpus else "the GPU" if gpus == 1 else f"each of {gpus} GPUs"
    taken = max((gpu.total - gpu.free for gpu in machine.gpus), default=0) if gpus else 0
    others = f" (other processes hold {format_gib(taken)})" if taken > GIB else ""
    fitting = list(_list_fitting(shape, params, room, gpus))
    remedy = (
        f"this would fit: {'; '.join(fitting)}" if fitting else "use a larger card, more of them, or a smaller model"
    )
    raise UserError(
        f"training {params.model} this way takes about {format_gib(memory.total)} of {where} "
        f"({_spell_parts(memory)}) and {format_gib(room)} are free{others}; {remedy}."
    )


def _list_fitting(shape: ModelShape, params: TrainParams, room: int, gpus: int) -> Iterator[str]:
    """Changes of the parameters that bring the run into the room, the mildest of each kind first."""
    shorter = params
    changes: list[dict[str, object]] = []
    if not params.gradient_checkpointing:
        changes.append({"gradient_checkpointing": True})
    while shorter.max_length // 2 >= _SHORTEST:
        shorter = params.model_copy(update={"max_length": shorter.max_length // 2})
        changes.append({"max_length": shorter.max_length})
    if params.optimizer != "adafactor" and params.method == "full":
        changes.append({"optimizer": "adafactor"})
        changes.append({"optimizer": "adafactor", "max_length": shorter.max_length})
    if params.method != "lora":
        changes.append({"method": "lora"})
        changes.append({"method": "lora", "max_length": shorter.max_length})
    told: set[str] = set()
    for change in changes:
        kind = next(iter(change))
        need = estimate_memory(shape, params.model_copy(update=change), gpus).total
        if need <= room and kind not in told:
            told.add(kind)
            yield f"{_spell_options(change)} ({format_gib(need)})"


def _require_disk(shape: ModelShape, params: TrainParams, folder: Path, needed: int) -> None:
    free = read_free_disk(folder)
    if needed <= free:
        return
    changes: list[dict[str, object]] = [{"optimizer": "adafactor"}, {"method": "lora"}]
    saved = estimate_disk(shape, params)
    fitting = []
    for change in changes:
        need = needed - saved + estimate_disk(shape, params.model_copy(update=change))
        if need <= free:
            fitting.append(f"{_spell_options(change)} ({format_gib(need)})")
    other = "set TOOLHERD_MODELS_ROOT to a folder on a larger disk"
    raise UserError(
        f"the run's checkpoints and model take about {format_gib(needed)} and {folder} has {format_gib(free)} free; "
        f"what would do: {'; '.join([*fitting, other])}."
    )


def _describe(
    shape: ModelShape,
    params: TrainParams,
    machine: Machine,
    gpus: int,
    memory: MemoryEstimate,
    disk: int,
    folder: Path,
) -> Iterator[str]:
    room = _find_room(machine, gpus)
    if gpus:
        cards = ", ".join(
            f"{gpu.name} ({format_gib(gpu.free)} of {format_gib(gpu.total)} free)" for gpu in machine.gpus
        )
        yield f"machine: {cards}; {format_gib(machine.memory)} of main memory"
    else:
        yield f"machine: the CPU, as asked for; {format_gib(machine.memory)} of main memory"
    each = " on each GPU" if gpus > 1 else ""
    yield (
        f"estimate: {shape.parameters / 1e9:.2f}B parameters, {format_gib(memory.total)} at the peak{each} "
        f"({_spell_parts(memory)}); {format_gib(disk)} of disk at {folder}"
    )
    if memory.total > _TIGHT * room:
        yield f"this is tight: {format_gib(room)} are free, and an estimate may be off by some per cent"
    loading = shape.parameters * (FLOAT32 if params.method == "full" else BFLOAT16) * gpus
    if loading > machine.memory:
        yield f"main memory is short: loading the weights takes up to {format_gib(loading)} of it for {gpus} processes"


def _spell_parts(memory: MemoryEstimate) -> str:
    """The three largest parts."""
    parts = sorted(memory.parts.items(), key=lambda part: -part[1])[:3]
    return ", ".join(f"{name.replace('_', ' ')} {format_gib(size)}" for name, size in parts)


def _spell_options(change: dict[str, object]) -> str:
    return " ".join(f"--{name} {str(value).lower()}" for name, value in change.items())


def format_gib(size: int) -> str:
    """Bytes as people write them: 512 MiB, 13.2 GiB, 113 GiB."""
    gib = size / GIB
    if gib < 1:
        return f"{size / 2**20:.0f} MiB"
    return f"{gib:.1f} GiB" if gib < 100 else f"{gib:.0f} GiB"
