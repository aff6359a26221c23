"""The container and the Kubernetes job that train: what they run is there, and they ask for a GPU."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.utilities.templating import find_placeholders

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deployments" / "gpu.Dockerfile").read_text(encoding="utf-8")
TEMPLATE: dict[str, Any] = json.loads((ROOT / "deployments" / "kubernetes-gpu.json").read_text(encoding="utf-8"))


def get_pod() -> dict[str, Any]:
    pod: dict[str, Any] = TEMPLATE["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    return pod


def test_the_container_has_every_package_and_what_the_lock_files_pin_for_training() -> None:
    copied = {line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and line.count(" ") == 2}
    assert copied == {"requirements", "flows", "tasks", "schemas", "prompts"}
    assert "--require-hashes --no-deps -r requirements/base.txt -r requirements/train.txt" in DOCKERFILE
    assert "-r requirements/torch.txt" in DOCKERFILE
    assert "--no-build-isolation --no-deps ." in DOCKERFILE, (
        "or pip fetches what builds it, whichever version is newest"
    )


def test_the_container_stands_on_a_base_image_that_is_named_by_its_digest_and_says_how_to_find_it() -> None:
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["python:3.12-slim@${BASE_DIGEST}"]
    (argument,) = re.findall(r"^ARG (.*)$", DOCKERFILE, re.MULTILINE)
    assert argument == "BASE_DIGEST", "without a default, so that it cannot be forgotten"
    assert "imagetools inspect python:3.12-slim" in DOCKERFILE
    assert '--build-arg BASE_DIGEST="$digest"' in DOCKERFILE


def test_the_container_runs_as_a_user_without_rights_who_owns_nothing_of_the_code() -> None:
    *before, after = DOCKERFILE.split("\nUSER 1000:1000\n")
    assert len(before) == 1
    assert not re.search(r"^(?:RUN|COPY|USER)", after, re.MULTILINE)
    assert "--chown" not in DOCKERFILE
    settings = dict(re.findall(r"(\w+)=(/\S+)", before[0][before[0].index("\nENV ") :]))
    assert {path.split("/")[1] for path in settings.values()} == {"data", "tmp"}, "which are all that it may write to"
    assert {"HOME", "PREFECT_HOME", "TOOLHERD_DATA_ROOT", "HF_HOME"} <= set(settings)


def test_a_job_has_no_rights_that_it_does_not_need() -> None:
    pod = get_pod()
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 1000, "the container's user"
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert set(mounted) == {"/data", "/tmp", "/dev/shm"}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounted.values())


def test_the_container_is_a_worker_of_the_pool_that_takes_one_run_at_a_time() -> None:
    (command,) = re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(command)[:5] == ["prefect", "worker", "start", "--pool", "gpu"]
    assert json.loads(command)[-2:] == ["--limit", "1"]


def test_a_job_asks_for_gpus_and_has_time_to_write_its_checkpoint() -> None:
    pod = get_pod()
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "{{ gpus }}"
    defaults = {name: one.get("default") for name, one in TEMPLATE["variables"]["properties"].items()}
    assert defaults["gpus"] == 1
    assert pod["terminationGracePeriodSeconds"] == "{{ grace_seconds }}"
    assert defaults["grace_seconds"] > 600, "less than what the trainer is given to save"


def test_a_job_keeps_data_where_the_container_looks_for_it() -> None:
    (container,) = get_pod()["containers"]
    assert {"name": "data", "mountPath": "/data"} in container["volumeMounts"]
    assert "TOOLHERD_DATA_ROOT=/data" in DOCKERFILE


def test_the_template_uses_every_variable_that_it_has_and_no_other() -> None:
    used = {placeholder.name for placeholder in find_placeholders(TEMPLATE["job_configuration"])}
    assert used == set(TEMPLATE["variables"]["properties"])


@pytest.mark.usefixtures("server")
async def test_prefect_takes_the_template_for_a_pool() -> None:
    async with get_client() as client:
        pool = WorkPoolCreate(name="gpu-kubernetes", type="kubernetes", base_job_template=TEMPLATE)
        made = await client.create_work_pool(pool)
    assert made.base_job_template == TEMPLATE
