"""Whether a run fits, and that what is said to fit instead does."""

import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.training import TrainParams
from tasks.supervision.machine import Gpu, Machine, read_free_disk
from tasks.trainer.footprint import ModelShape, estimate_disk, estimate_memory, read_shape
from tasks.training_plan import GIB, format_gib, plan_run

VICUNA_7B = read_shape(
    {
        "model_type": "llama", "hidden_size": 4096, "num_attention_heads": 32, "num_hidden_layers": 32,
        "intermediate_size": 11008, "vocab_size": 32000,
    }
)  # fmt: skip
SMALL = read_shape(
    {
        "model_type": "llama", "hidden_size": 512, "num_attention_heads": 8, "num_hidden_layers": 8,
        "intermediate_size": 1376, "vocab_size": 32000,
    }
)  # fmt: skip


def make_machine(*free: float, memory: float = 512, total: float | None = None) -> Machine:
    cards = tuple(Gpu("NVIDIA Test", int((total or one) * GIB), int(one * GIB)) for one in free)
    return Machine(cards, int(memory * GIB))


def plan(params: TrainParams, machine: Machine, shape: Any = SMALL, **more: Any) -> Any:
    return plan_run(shape, params, machine, Path("/"), **{"fetched": False, **more})


def read_options(message: str) -> list[dict[str, str]]:
    """The options that a message offers, one set for each way out."""
    offered = re.findall(r"((?:--\w+ [\w.]+ ?)+)\([\d.]+ [GM]iB\)", message)
    return [dict(re.findall(r"--(\w+) ([\w.]+)", one)) for one in offered]


def test_a_run_that_fits_is_told_with_its_largest_parts() -> None:
    told = plan(TrainParams(), make_machine(24))
    assert told.gpus == 1
    assert told.memory == estimate_memory(SMALL, TrainParams(), 1)
    assert "NVIDIA Test (24.0 GiB of 24.0 GiB free)" in told.lines[0]
    assert re.search(r"0\.06B parameters, [\d.]+ GiB at the peak \(.*GiB.*\); .* of disk at /", told.lines[1])


def test_without_a_gpu_the_way_out_is_named_and_the_cpu_must_be_asked_for() -> None:
    with pytest.raises(UserError, match=r"no NVIDIA GPU here.*worker of the pool `gpu`.*--cpu"):
        plan(TrainParams(), make_machine())
    assert plan(TrainParams(cpu=True), make_machine()).gpus == 0


def test_asked_for_the_cpu_cards_are_left_alone() -> None:
    told = plan(TrainParams(cpu=True), make_machine(24))
    assert told.gpus == 0
    assert "machine: the CPU, as asked for" in told.lines[0]


@pytest.mark.parametrize(("free", "ways"), [(80, ["optimizer", "method"]), (24, ["method"]), (8, [])])
def test_vicuna_on_cards_that_are_too_small_names_what_would_fit(free: int, ways: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        plan(TrainParams(), make_machine(free), VICUNA_7B)
    message = str(caught.value)
    options = read_options(message)
    assert [next(iter(one)) for one in options] == ways
    for one in options:
        fitting = TrainParams.model_validate(one)
        assert estimate_memory(VICUNA_7B, fitting, 1).total <= free * GIB
    assert ("smaller model" in message) == (not ways)


@given(free=st.floats(1, 200), gpus=st.integers(1, 8), method=st.sampled_from(["full", "lora"]),
       optimizer=st.sampled_from(["adamw", "adafactor"]), length=st.sampled_from([1024, 4096, 16384]),
       checkpointing=st.booleans())  # fmt: skip
def test_whatever_is_offered_fits(
    free: float, gpus: int, method: str, optimizer: str, length: int, checkpointing: bool
) -> None:
    asked = {"method": method, "optimizer": optimizer, "max_length": length, "gradient_checkpointing": checkpointing}
    params = TrainParams.model_validate(asked)
    needed = estimate_memory(VICUNA_7B, params, gpus).total
    try:
        plan(params, make_machine(*[free] * gpus), VICUNA_7B, held=2**50)
    except UserError as error:
        assert needed > int(free * GIB)
        for one in read_options(str(error)):
            assert estimate_memory(VICUNA_7B, TrainParams.model_validate({**asked, **one}), gpus).total <= free * GIB
    else:
        assert needed <= int(free * GIB)


def test_memory_that_others_hold_is_told() -> None:
    with pytest.raises(UserError, match=r"2\.0 GiB are free \(other processes hold 78\.0 GiB\)"):
        plan(TrainParams(), make_machine(2, total=80), VICUNA_7B)


def test_the_fullest_card_decides() -> None:
    with pytest.raises(UserError, match="each of 2 GPUs"):
        plan(TrainParams(), make_machine(200, 4), VICUNA_7B, held=2**50)


def test_a_disk_that_is_too_small_names_smaller_checkpoints_and_another_disk(tmp_path: Path) -> None:
    huge = read_shape(
        {
            "model_type": "llama", "hidden_size": 2**20, "num_attention_heads": 8, "num_hidden_layers": 8,
            "intermediate_size": 2**20, "vocab_size": 32000,
        }
    )  # fmt: skip
    with pytest.raises(UserError, match="TOOLHERD_MODELS_ROOT") as caught:
        plan_run(huge, TrainParams(), make_machine(10**9), tmp_path, fetched=False)
    free = read_free_disk(tmp_path)
    assert f"{tmp_path} has" in str(caught.value)
    for one in read_options(str(caught.value)):
        assert estimate_disk(huge, TrainParams.model_validate(one)) <= free


def test_what_the_run_holds_already_counts_as_room() -> None:
    params, machine = TrainParams(), make_machine(200)
    needed = estimate_disk(VICUNA_7B, params)
    assert plan(params, machine, VICUNA_7B, held=needed).disk == needed


def test_weights_that_must_be_fetched_take_disk_too() -> None:
    here = plan(TrainParams(), make_machine(24))
    there = plan(TrainParams(), make_machine(24), fetched=True)
    assert there.disk - here.disk == 2 * SMALL.parameters


def test_a_tight_fit_and_short_main_memory_are_told() -> None:
    need = estimate_memory(SMALL, TrainParams(), 1).total
    machine = make_machine(need * 1.02 / GIB, memory=0.01)
    lines = "\n".join(plan(TrainParams(), machine).lines)
    assert "this is tight" in lines
    assert "main memory is short" in lines


def test_sizes_are_written_as_people_do() -> None:
    assert [format_gib(size) for size in (512 * 2**20, int(13.2 * GIB), 113 * GIB)] == [
        "512 MiB", "13.2 GiB", "113 GiB"
    ]  # fmt: skip


def need_bytes(params: TrainParams, gpus: int, shape: ModelShape = VICUNA_7B) -> int:
    return estimate_memory(shape, params, gpus).total


def make_exact(*free: int, memory: int = 2**50) -> Machine:
    """A machine whose cards have exactly so many bytes, all of them free."""
    return Machine(tuple(Gpu("NVIDIA Test", one, one) for one in free), memory)


@pytest.mark.parametrize("gpus", [1, 2])
def test_a_card_that_has_just_enough_will_do_and_one_byte_less_will_not(gpus: int) -> None:
    params, needed = TrainParams(), need_bytes(TrainParams(), gpus)
    assert plan(params, make_exact(*[needed] * gpus), VICUNA_7B, held=2**50).gpus == gpus
    with pytest.raises(UserError, match="the GPU" if gpus == 1 else "each of 2 GPUs"):
        plan(params, make_exact(*[needed] * (gpus - 1), needed - 1), VICUNA_7B, held=2**50)


def test_on_the_cpu_main_memory_counts_and_not_what_cards_have() -> None:
    params = TrainParams(cpu=True)
    needed = need_bytes(params, 0, SMALL)
    assert plan(params, make_exact(1, memory=needed)).gpus == 0
    with pytest.raises(UserError, match=r"of main memory .* are free; ") as caught:
        plan(params, Machine((Gpu("NVIDIA Test", 80 * GIB, 0),), needed - 1))
    assert "other processes" not in str(caught.value)


@pytest.mark.parametrize(("held", "is_told"), [(GIB, False), (GIB + 2**20, True)])
def test_what_others_hold_is_told_from_one_gib_on(held: int, is_told: bool) -> None:
    with pytest.raises(UserError) as caught:
        plan(TrainParams(), Machine((Gpu("NVIDIA Test", 8 * GIB, 8 * GIB - held),), 2**50), VICUNA_7B)
    assert ("(other processes hold 1.0 GiB)" in str(caught.value)) is is_told


def offered(params: TrainParams, room: int) -> list[str]:
    """What a message offers for a card of that size, without the sizes."""
    with pytest.raises(UserError) as caught:
        plan(params, make_exact(room), VICUNA_7B, held=2**50)
    return [" ".join(f"--{name} {value}" for name, value in one.items()) for one in read_options(str(caught.value))]


LONG = TrainParams(max_length=8192, gradient_checkpointing=False)


def test_every_kind_of_change_that_fits_is_offered_the_mildest_first() -> None:
    assert offered(LONG, need_bytes(LONG, 1) - 1) == [
        "--gradient_checkpointing true", "--max_length 4096", "--optimizer adafactor", "--method lora",
    ]  # fmt: skip


@pytest.mark.parametrize("length", [4096, 2048, 1024])
def test_sequences_are_made_no_shorter_than_they_must_be(length: int) -> None:
    shorter = LONG.model_copy(update={"max_length": length})
    needed = need_bytes(shorter, 1)
    assert f"--max_length {length}" in offered(LONG, needed)
    assert f"--max_length {length}" not in offered(LONG, needed - 1)


def test_sequences_too_short_to_train_on_are_never_offered() -> None:
    params = TrainParams(max_length=2047)
    assert not any("--max_length" in one for one in offered(params, need_bytes(params, 1) - 1))
    tiny = TrainParams(max_length=1024, optimizer="adafactor")
    half = tiny.model_copy(update={"max_length": 512})
    assert offered(tiny, need_bytes(half, 1)) == ["--method lora"]


@pytest.mark.parametrize("change", [{"optimizer": "adafactor"}, {"method": "lora"}])
def test_a_change_that_does_not_suffice_alone_is_offered_with_the_shortest_sequences(change: dict[str, str]) -> None:
    (name, value), params = next(iter(change.items())), TrainParams(max_length=8192)
    both = params.model_copy(update={**change, "max_length": 1024})
    needed = need_bytes(both, 1)
    assert needed < need_bytes(params.model_copy(update=change), 1)
    assert f"--{name} {value} --max_length 1024" in offered(params, needed)
    assert not any(one.startswith(f"--{name}") for one in offered(params, needed - 1))


def test_nothing_is_offered_that_is_asked_for_already() -> None:
    lora = TrainParams(method="lora", max_length=8192)
    assert offered(lora, need_bytes(lora, 1) - 1) == ["--max_length 4096"]
    adafactor = TrainParams(optimizer="adafactor", max_length=1024)
    assert offered(adafactor, need_bytes(adafactor, 1) - 1) == ["--method lora"]


def test_the_message_names_the_model_what_it_takes_and_what_there_is() -> None:
    memory, room = estimate_memory(VICUNA_7B, TrainParams(), 1), 8 * GIB
    with pytest.raises(UserError) as caught:
        plan(TrainParams(model="some/model"), make_exact(room), VICUNA_7B)
    largest = sorted(memory.parts.values(), reverse=True)[:3]
    assert str(caught.value).startswith(
        f"training some/model this way takes about {format_gib(memory.total)} of the GPU (optimizer "
        f"{format_gib(largest[0])}, "
    )
    assert str(caught.value).count("GiB") == len(largest) + 2
    assert str(caught.value).endswith(
        f"{format_gib(largest[2])}) and 8.0 GiB are free; use a larger card, more of them, or a smaller model."
    )


class Disk(NamedTuple):
    """What `shutil.disk_usage` tells."""

    total: int
    used: int
    free: int


def fill_disk(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(2**50, 2**50 - free, free))


@pytest.mark.parametrize("fetched", [False, True])
@pytest.mark.parametrize("held", [0, 5 * GIB])
def test_a_disk_that_has_just_enough_will_do_and_one_byte_less_will_not(
    fetched: bool, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = TrainParams()
    needed = estimate_disk(VICUNA_7B, params) + (2 * VICUNA_7B.parameters if fetched else 0) - held
    fill_disk(monkeypatch, needed)
    told = plan(params, make_machine(200), VICUNA_7B, held=held, fetched=fetched)
    assert told.disk == needed + held
    fill_disk(monkeypatch, needed - 1)
    with pytest.raises(UserError, match=f"take about {format_gib(needed)} and / has {format_gib(needed)} free"):
        plan(params, make_machine(200), VICUNA_7B, held=held, fetched=fetched)


@pytest.mark.parametrize("held", [0, 3 * GIB])
def test_smaller_checkpoints_are_offered_where_they_fit_the_disk(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    params, machine, weights = TrainParams(), make_machine(200), 2 * VICUNA_7B.parameters
    adafactor = estimate_disk(VICUNA_7B, TrainParams(optimizer="adafactor")) + weights - held
    lora = estimate_disk(VICUNA_7B, TrainParams(method="lora")) + weights - held

    def offer(free: int) -> str:
        fill_disk(monkeypatch, free)
        with pytest.raises(UserError) as caught:
            plan(params, machine, VICUNA_7B, fetched=True, held=held)
        return str(caught.value).partition("what would do: ")[2]

    other = "set TOOLHERD_MODELS_ROOT to a folder on a larger disk."
    by_lora, by_both = f"--method lora ({format_gib(lora)})", f"--optimizer adafactor ({format_gib(adafactor)})"
    assert offer(adafactor) == f"{by_both}; {by_lora}; {other}"
    assert offer(adafactor - 1) == f"{by_lora}; {other}"
    assert offer(lora) == f"{by_lora}; {other}"
    assert offer(lora - 1) == other


def test_what_is_asked_for_already_is_not_offered_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    params = TrainParams(method="lora")
    fill_disk(monkeypatch, estimate_disk(VICUNA_7B, params) - 1)
    with pytest.raises(UserError, match=r"what would do: --optimizer adafactor [^;]*; set TOOLHERD_MODELS_ROOT"):
        plan(params, make_machine(200), VICUNA_7B)


def test_a_plan_says_of_several_cards_what_each_has_and_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch, 2**50)
    params, memory = TrainParams(), estimate_memory(VICUNA_7B, TrainParams(), 2)
    cards = (Gpu("A", 200 * GIB, 150 * GIB), Gpu("B", 180 * GIB, 180 * GIB))
    told = plan_run(VICUNA_7B, params, Machine(cards, 512 * GIB), tmp_path, fetched=False)
    parts = ", ".join(
        f"{name.replace('_', ' ')} {format_gib(size)}"
        for name, size in sorted(memory.parts.items(), key=lambda part: part[1], reverse=True)[:3]
    )
    assert told.lines == (
        "machine: A (150 GiB of 200 GiB free), B (180 GiB of 180 GiB free); 512 GiB of main memory",
        f"estimate: {VICUNA_7B.parameters / 1e9:.2f}B parameters, {format_gib(memory.total)} at the peak on each GPU "
        f"({parts}); {format_gib(told.disk)} of disk at {tmp_path}",
    )
    assert told.gpus == 2
    assert told.memory == memory


def test_it_is_tight_from_92_per_cent_of_the_room_on() -> None:
    needed = need_bytes(TrainParams(), 1, SMALL)

    def is_tight(room: int) -> bool:
        lines = plan(TrainParams(), make_exact(room)).lines
        return any(f"this is tight: {format_gib(room)} are free" in line for line in lines)

    assert is_tight(int(needed / 0.921))
    assert not is_tight(int(needed / 0.919))


@pytest.mark.parametrize(
    ("method", "gpus", "bytes_each"), [("full", 1, 4), ("lora", 1, 2), ("full", 2, 8), ("lora", 3, 6)]
)
def test_main_memory_is_short_where_the_processes_cannot_all_load_the_weights(
    method: str, gpus: int, bytes_each: int
) -> None:
    params, loading = TrainParams.model_validate({"method": method}), SMALL.parameters * bytes_each

    def list_short(memory: int) -> list[str]:
        told = plan(params, make_exact(*[80 * GIB] * gpus, memory=memory))
        return [line for line in told.lines if line.startswith("main memory is short")]

    assert list_short(loading) == []
    assert list_short(loading - 1) == [
        f"main memory is short: loading the weights takes up to {format_gib(loading)} of it for {gpus} processes"
    ]


def test_on_the_cpu_nothing_is_loaded_twice() -> None:
    needed = need_bytes(TrainParams(cpu=True), 0, SMALL)
    lines = plan(TrainParams(cpu=True), make_exact(memory=2 * needed)).lines
    assert lines[0] == f"machine: the CPU, as asked for; {format_gib(2 * needed)} of main memory"
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 MiB"), (GIB - 2**20, "1023 MiB"), (GIB, "1.0 GiB"), (int(99.94 * GIB), "99.9 GiB"),
        (100 * GIB, "100 GiB"), (1000 * GIB, "1000 GiB"),
    ],
)  # fmt: skip
def test_a_size_has_as_many_digits_as_say_something(size: int, text: str) -> None:
    assert format_gib(size) == text
