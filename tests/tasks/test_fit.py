"""Whether a run fits, and that what is said to fit instead does."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.training import TrainParams
from tasks.fit import GIB, plan_run, write_gib
from tasks.supervision.machine import Gpu, Machine, read_free_disk
from tasks.trainer.estimate import estimate_disk, estimate_memory, read_shape

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
    assert [write_gib(size) for size in (512 * 2**20, int(13.2 * GIB), 113 * GIB)] == [
        "512 MiB", "13.2 GiB", "113 GiB"
    ]  # fmt: skip
