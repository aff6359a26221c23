"""What is deployed: flows that exist, with parameters they take, on schedules that wait to be set going."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow

from deployments.bootstrap import GPU_POOL, POOL
from tasks.datasets.root import ROOT_VARIABLE

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "deployments" / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS: list[dict[str, Any]] = CONFIG["deployments"]

for_each_deployment = pytest.mark.parametrize(
    "deployment", DEPLOYMENTS, ids=lambda deployment: deployment["entrypoint"]
)


def load_flow(deployment: dict[str, Any]) -> Flow[..., Any]:
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    return flow


def test_the_main_job_is_deployed_with_a_weekly_schedule_that_starts_paused() -> None:
    main_job = next(deployment for deployment in DEPLOYMENTS if load_flow(deployment).name == "build-dataset")
    (schedule,) = main_job["schedules"]
    minute, hour, day, month, weekday = schedule["cron"].split()
    assert minute.isdigit()
    assert hour.isdigit()
    assert (day, month) == ("*", "*")
    assert weekday.isdigit()
    assert schedule["active"] is False


@for_each_deployment
def test_its_parameters_are_those_of_its_flow(deployment: dict[str, Any]) -> None:
    validated = load_flow(deployment).validate_parameters(deployment["parameters"])
    assert set(validated) == {"params"}


@for_each_deployment
def test_none_runs_by_itself(deployment: dict[str, Any]) -> None:
    assert [schedule for schedule in deployment["schedules"] if schedule["active"]] == []


def test_data_is_made_on_one_pool_one_run_at_a_time_and_models_on_the_other() -> None:
    pools = {load_flow(one).name: (one["work_pool"]["name"], one.get("concurrency_limit")) for one in DEPLOYMENTS}
    one_at_a_time = {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert pools == {
        "build-dataset": (POOL, one_at_a_time),
        "refresh-dataset": (POOL, one_at_a_time),
        "train": (GPU_POOL, None),  # one a box, by the worker's limit
    }


@for_each_deployment
def test_where_data_goes_is_filled_in_when_it_is_deployed(deployment: dict[str, Any]) -> None:
    environment = deployment["work_pool"]["job_variables"]["env"]
    assert environment == {ROOT_VARIABLE: f"{{{{ ${ROOT_VARIABLE} }}}}"}


def test_no_folder_of_the_deploying_machine_is_recorded() -> None:
    assert CONFIG["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "."}}]
