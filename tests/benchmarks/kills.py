"""kill -9 at random moments of the flow, each time started again: what is paid twice, and whether the data is the same.

A completion is in flight at a kill if its request was sent and its answer is not yet on the client's disk. The server
counts a completion as paid when it sends the whole answer to a client that is still there, so what is paid again must
have been paid, each time but the last, just before a kill (or after it, to a client that was dead already): `GRACE_S`
is what the client may take to read an answer and keep it. What is paid again and was not so is a completion lost.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from tests.benchmarks.workspace import Workspace, open_workspace
from tests.endpoint.process import OfflineServer, serve_offline

KILLS = 10
APIS = 50
LATENCY_S = 0.3
GRACE_S = 1.0
SEED = 0
_REACHED = 0.9
"""The share of the walk by which the last kill has come: a little is lost at each, but runs differ."""

_PATIENCE_S = 120


def measure_kills() -> Iterator[tuple[str, float, str, float | None]]:
    """Name, value, unit and yardstick of each figure."""
    with serve_offline("--latency", str(LATENCY_S)) as server, open_workspace() as workspace:
        port = str(urlsplit(server.base_url).port)
        workspace.build(*_options(server))
        whole, undisturbed = _read_hash(workspace), server.stats()
    span = undisturbed["last_at"] - undisturbed["first_at"]
    # The same port: the address is part of keys and recipes.
    with serve_offline("--latency", str(LATENCY_S), "--port", port) as server, open_workspace() as workspace:
        kills = _kill_again_and_again(server, workspace, span)
        timing = workspace.build(*_options(server))
        stats, same = server.stats(), _read_hash(workspace) == whole
    repeated = sum(stats["paid"]["repeated"].values()) - len(stats["paid"]["repeated"])
    ages = list(_find_ages(stats["repeated_at"], kills))
    yield "kills", len(kills), "kills", KILLS
    yield "paid_again_not_in_flight", sum(age > GRACE_S for age in ages), "completions", None
    yield "paid_again_in_flight", sum(age <= GRACE_S for age in ages), "completions", repeated
    yield "longest_before_a_kill", max(ages, default=0.0), "s", GRACE_S
    yield "broken_off", stats["abandoned"], "requests in flight at a kill", None
    yield "completions", stats["paid"]["distinct"], "completions", undisturbed["paid"]["distinct"]
    yield "same_content_hash", same, "bool", None
    yield "last_run_seconds", timing.seconds, "s", span


def _options(server: OfflineServer) -> Sequence[str]:
    return ("--apis", str(APIS), "--teacher.base_url", server.base_url)


def _read_hash(workspace: Workspace) -> str:
    return str(workspace.manifest("toolherd")["tables"]["train.parquet"]["content_hash"])


def _kill_again_and_again(server: OfflineServer, workspace: Workspace, span: float) -> list[tuple[float, float]]:
    """When each run was killed, and when the next was started, in seconds on the monotonic clock.

    The moments are drawn over the walk as it went undisturbed. A run that is started again goes on from the kill
    before, so that what lies between two moments is how long it is left alone once it asks for something new.
    """
    draw = random.Random(SEED)
    moments = sorted(draw.uniform(0, _REACHED * span) for _ in range(KILLS))
    waits = [later - earlier for earlier, later in pairwise([0.0, *moments])]
    killed: list[float] = []
    started: list[float] = []
    for wait_s in waits:
        asked = server.stats()["requests"]
        started.append(time.monotonic())
        process = workspace.launch(*_options(server), own_group=True)
        if not _wait_for_request(server, asked, process):
            break
        time.sleep(wait_s)
        if process.poll() is not None:
            break
        killed.append(time.monotonic())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    started.append(time.monotonic())
    return list(zip(killed, started[1:], strict=False))


def _wait_for_request(server: OfflineServer, asked: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether the run has asked something new; not if it ends without."""
    give_up = time.monotonic() + _PATIENCE_S
    while server.stats()["requests"] == asked:
        if process.poll() is not None or time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def _find_ages(repeated_at: dict[str, list[float]], kills: Sequence[tuple[float, float]]) -> Iterator[float]:
    """Seconds between each payment that was made in vain and the kill that followed; 0 if the client was dead."""
    for moments in repeated_at.values():
        for moment in sorted(moments)[:-1]:
            yield min(
                (max(killed - moment, 0.0) for killed, started in kills if moment < started), default=float("inf")
            )
