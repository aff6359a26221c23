"""How the children of a run are started."""

import sys
from pathlib import Path

import pytest
import yaml

from schemas.errors import UserError
from tasks.supervision.commands import TRAINER, Commands, build_prepare_command, build_train_command


@pytest.mark.parametrize(("gpus", "config"), [(0, "cpu"), (1, "single"), (2, "fsdp2"), (8, "fsdp2")])
def test_accelerate_gets_the_configuration_for_the_number_of_gpus(gpus: int, config: str) -> None:
    command = build_train_command(Path("spec.json"), gpus)
    assert command[:4] == (sys.executable, "-m", "accelerate.commands.launch", "--config_file")
    path = Path(command[4])
    assert path.name == f"{config}.yaml"
    read = yaml.safe_load(path.read_text())
    assert read["use_cpu"] is (gpus == 0)
    assert (read["distributed_type"] == "FSDP") is (gpus > 1)
    assert read["mixed_precision"] == ("bf16" if gpus else "no")
    processes = ("--num_processes", str(gpus)) if gpus > 1 else ()
    assert command[5:] == (*processes, "-m", "tasks.trainer.train", "spec.json")


def test_the_data_is_prepared_without_a_launcher() -> None:
    assert build_prepare_command(Path("spec.json")) == (sys.executable, "-m", "tasks.trainer.prepare", "spec.json")


def make_commands(*needs: str) -> Commands:
    return Commands(build_prepare_command, build_train_command, is_launcher=True, needs=needs)


def test_what_is_not_installed_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(UserError) as caught:
        make_commands("json", "no_such_module", "asyncio", "nor_such").require_packages()
    assert str(caught.value) == (
        "training needs the `train` extra, and no_such_module, nor_such is not installed: run `make setup-train`."
    )


def test_where_all_is_installed_nothing_is_said() -> None:
    make_commands("json", "asyncio").require_packages()
    make_commands().require_packages()


def test_the_trainer_is_launched_and_gets_the_time_to_write_a_checkpoint_of_80_gb() -> None:
    assert (TRAINER.prepare, TRAINER.train) == (build_prepare_command, build_train_command)
    assert TRAINER.is_launcher
    assert (TRAINER.grace_s, TRAINER.pause_s) == (600, 5)
    assert {"torch", "transformers", "trl", "peft", "accelerate", "datasets", "matplotlib"} == set(TRAINER.needs)
