"""Deploys the flows to a Prefect server:  python -m deployments.bootstrap  (or `make deploy`)

Makes the work pools, deploys what prefect.yaml lists, and prints the commands that go on from there. It may be run
again at any time. The server is the one that PREFECT_API_URL names, or the local one, which is started if need be.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from flows.server import Server, configure_client, launch_server, require_access, wait_for_server
from schemas.environment import NETWORK, PREFECT, pick_environment
from schemas.errors import ToolHerdError
from schemas.shown import show_lines
from tasks.datasets.root import ROOT_VARIABLE, DataRoot

PROJECT = Path(__file__).parents[1]
POOL = "cpu"
POOL_LIMIT = 2  # whole runs at a time; how much runs inside of one is a parameter of the flow
GPU_POOL = "gpu"  # without a limit of its own: one run at a time is a limit of each box, and so of its worker


def deploy() -> Server:
    """Make the pools and deploy everything; returns the server.

    Where data goes is recorded with the deployments, in full, because a worker runs a flow in a temporary folder: what
    a relative path names would be lost with it. It is where the command line keeps it, so that neither makes anew what
    the other has made.

    Raises:
        ToolHerdError: the server does not start, or a command of Prefect's failed (it has said why).
    """
    server = launch_server()
    wait_for_server(server)
    configure_client(server)
    require_access(server, os.environ.get("PREFECT_API_AUTH_STRING"))
    os.environ[ROOT_VARIABLE] = DataRoot.from_environment().url
    _run_prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
    _run_prefect("work-pool", "set-concurrency-limit", POOL, str(POOL_LIMIT))
    _run_prefect("work-pool", "create", GPU_POOL, "--type", "process", "--overwrite")
    _run_prefect("deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    return server


def _run_prefect(*arguments: str) -> None:
    """Run Prefect's command line; what it says is shown only if it fails, being long and full of advice."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env=pick_environment(*NETWORK, *PREFECT, ROOT_VARIABLE),
    )  # fmt: skip
    if done.returncode:
        raise ToolHerdError(f"prefect {' '.join(arguments)} failed:\n{done.stdout.strip()}")
    print(f"prefect {' '.join(arguments)}: done", flush=True)


def main() -> int:
    """Deploy, and say what to do next; returns the exit status."""
    try:
        server = deploy()
    except ToolHerdError as error:
        print(f"error: {show_lines(str(error))}", file=sys.stderr)
        return 1
    exports = f"export PREFECT_API_URL={server.api_url}"
    if server.password_file is not None:  # read where it is needed, and shown nowhere
        exports += f'\n  export PREFECT_API_AUTH_STRING="$(cat {shlex.quote(str(server.password_file))})"'
    prefect = "prefect" if sys.prefix == sys.base_prefix else os.path.relpath(Path(sys.executable).with_name("prefect"))
    print(f"""
The flows are deployed; runs keep their data in {os.environ[ROOT_VARIABLE]}. Next:

  {exports}
  {prefect} worker start --pool {POOL}                                 # takes runs; leave it on
  {prefect} deployment run build-dataset/cpu --watch                # a run now
  {prefect} deployment schedule ls build-dataset/cpu                # the schedule is paused; `resume` starts it

On a box with a GPU, after `make setup-train` there and with the data root and the server within its reach (see README):

  {prefect} worker start --pool {GPU_POOL} --limit 1                       # trains one model at a time
  {prefect} deployment run train/gpu --watch""")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
