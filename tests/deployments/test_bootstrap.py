"""What `make deploy` leaves on a Prefect server: pools, deployments, and where their runs keep data."""

import os
import subprocess
import sys
from pathlib import Path

from prefect.client.orchestration import get_client

from deployments.bootstrap import GPU_POOL, POOL
from tasks.datasets.root import ROOT_VARIABLE
from tests.deployments.test_prefect_yaml import DEPLOYMENTS

ROOT = Path(__file__).parents[2]


def deploy(server: str, data_root: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deployments.bootstrap"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PREFECT_API_URL": server, ROOT_VARIABLE: data_root},
    )  # fmt: skip


async def test_a_data_root_is_deployed_in_full_since_workers_run_elsewhere(server: str) -> None:
    done = deploy(server, "not/../there")
    assert done.returncode == 0, done.stderr
    assert f"runs keep their data in {ROOT / 'there'}. Next:" in done.stdout
    assert not (ROOT / "there").exists()
    async with get_client() as client:
        deployed = {one.entrypoint: one.job_variables["env"][ROOT_VARIABLE] for one in await client.read_deployments()}
        pools = {pool.name for pool in await client.read_work_pools()}
    assert deployed == {one["entrypoint"]: str(ROOT / "there") for one in DEPLOYMENTS}
    assert pools >= {POOL, GPU_POOL}
