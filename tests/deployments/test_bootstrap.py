"""What `make deploy` leaves on a Prefect server: pools, deployments, and where their runs keep data."""

import os
import subprocess
import sys
from pathlib import Path

from prefect.client.orchestration import get_client

ROOT = Path(__file__).parents[2]


def deploy(server: str, data_root: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deployments.bootstrap"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PREFECT_API_URL": server, "TOOLHERD_DATA_ROOT": data_root},
    )  # fmt: skip


async def read_roots() -> dict[str, str]:
    """Where the runs of each deployment keep their data."""
    async with get_client() as client:
        return {one.name: one.job_variables["env"]["TOOLHERD_DATA_ROOT"] for one in await client.read_deployments()}


async def test_a_data_root_is_deployed_in_full_since_workers_run_elsewhere(server: str) -> None:
    done = deploy(server, "not/../there")
    assert done.returncode == 0, done.stderr
    assert f"runs keep their data in {ROOT / 'there'}. Next:" in done.stdout
    roots = await read_roots()
    assert set(roots) == {"cpu", "gpu"}
    assert set(roots.values()) == {str(ROOT / "there")}
    assert not (ROOT / "there").exists()
    async with get_client() as client:
        assert {pool.name for pool in await client.read_work_pools()} >= {"cpu", "gpu"}
