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
    assert command[-3:] == ("-m", "tasks.trainer.train", "spec.json")
    assert (command[5:7] == ("--num_processes", str(gpus))) is (gpus > 1)


def test_the_data_is_prepared_without_a_launcher() -> None:
    assert build_prepare_command(Path("spec.json")) == (sys.executable, "-m", "tasks.trainer.prepare", "spec.json")


def test_what_is_not_installed_is_named_with_the_way_to_get_it() -> None:
    commands = Commands(build_prepare_command, build_train_command, is_launcher=True, needs=("json", "no_such_module"))
    with pytest.raises(UserError, match="no_such_module is not installed: run `make setup-train`"):
        commands.require_packages()
    assert TRAINER.is_launcher
    assert TRAINER.grace_s >= 600
