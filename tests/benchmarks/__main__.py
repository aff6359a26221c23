"""The measured table of the data path:  python -m tests.benchmarks [small | full | errors | memory | kills ...]

Prints one JSON object a line: {"name", "value", "unit", "yardstick"}. The yardstick of a time is what a plain asyncio
loop takes over the same completions, measured right after it; where there is nothing to compare with it is null.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from tests.benchmarks.client import measure_client_cpu, measure_single_shot
from tests.benchmarks.faults import measure_faults
from tests.benchmarks.flow_http import measure_flow
from tests.benchmarks.kills import measure_kills
from tests.benchmarks.memory import measure_memory
from tests.benchmarks.outages import measure_outages
from tests.benchmarks.recheck import count_missed, find_violations, jaccard_pairs
from tests.benchmarks.store import measure_store
from tests.benchmarks.throttle import measure_throttle
from tests.benchmarks.workspace import Workspace, open_workspace
from tests.benchmarks.yardstick import measure_plain_loop


def emit(name: str, value: float | int | bool, unit: str, yardstick: float | None = None) -> None:
    """Print one figure."""
    rounded = round(value, 4) if isinstance(value, float) else value
    compared = None if yardstick is None else round(yardstick, 3)
    print(json.dumps({"name": name, "value": rounded, "unit": unit, "yardstick": compared}), flush=True)


def bench_small() -> None:
    """The default 50 APIs from nothing, server start included; and again in a second place with the same seed."""
    hashes = []
    for place in ("first", "second"):
        with open_workspace() as workspace:
            timing = workspace.build()
            hashes.append(workspace.manifest("toolherd")["tables"]["train.parquet"]["content_hash"])
            if place == "first":
                plain, calls = measure_plain_loop(50)
                emit("small.seconds", timing.seconds, "s", plain)
                emit("small.completions", calls, "completions")
                emit("small.instances", len(_read_rows(workspace, "toolherd")), "rows")
    emit("small.same_content_hash", hashes[0] == hashes[1], "bool")


def bench_full() -> None:
    """The whole bundled catalogue, ten instructions each; then the same again."""
    with open_workspace() as workspace:
        first = workspace.build("--apis", "all", "--name", "full")
        rows = _read_rows(workspace, "full")
        accepted = [row for row in rows if row["accepted"]]
        toolset = workspace.read("full", "toolset")
        functions = [len(json.loads(row["functions"])) for row in toolset if row["functions"]]
        texts = [row["instruction"] for row in accepted]
        calls = workspace.read("full", "calls")
        again = workspace.build("--apis", "all", "--name", "full")
        sent = _read_sent(workspace)
        plain, _ = measure_plain_loop(None)
        emit("full.seconds", first.seconds, "s", plain)
        emit("full.completions", len(calls), "completions")
        emit("full.peak_memory", first.peak_mib, "MiB")
        emit("full.peak_memory_with_server", first.peak_with_server_mib, "MiB")
        emit("full.rows", len(rows), "rows")
        emit("full.accepted", len(accepted), "rows")
        emit("full.multi_call_share", sum(row["num_calls"] > 1 for row in accepted) / len(accepted), "share")
        emit("full.functions_per_api", sum(functions) / len(functions), "functions")
        emit("full.exact_duplicates", len(texts) - len(set(texts)), "rows")
        emit("full.near_duplicates", jaccard_pairs(texts) / len(texts), "share")
        emit("full.violations", sum(bool(find_violations(row)) for row in accepted), "rows")
        emit("again.teacher_calls", sent, "calls")
        emit("again.seconds", again.seconds, "s")
        emit("again.share_of_first", again.seconds / first.seconds, "share")


def bench_errors() -> None:
    """100 APIs with the teacher erring in one answer of ten."""
    with open_workspace() as workspace:
        workspace.build("--apis", "100", "--name", "errors", "--teacher.error_rate", "0.1")
        rows = _read_rows(workspace, "errors")
        calls = workspace.read("errors", "calls")
        violations = [(row["id"], found) for row in rows if row["accepted"] for found in find_violations(row)]
        missed = count_missed(calls, rows)
        for identity, found in violations[:20]:
            print(f"{identity}: {found}", file=sys.stderr)
        emit("errors.planted", sum("+" in call["fingerprint"] for call in calls), "completions")
        emit("errors.rejected", sum(not row["accepted"] for row in rows), "rows")
        emit("errors.accepted", sum(row["accepted"] for row in rows), "rows")
        emit("errors.violations", len(violations), "violations")
        emit("errors.missed", missed.total(), "planted errors")
        for error, count in missed.items():
            print(f"{count} rows with {error} are not rejected for it", file=sys.stderr)


def bench_memory() -> None:
    """A thousand episodes and sixteen thousand, each from nothing: about ten minutes."""
    for name, value, unit in measure_memory():
        emit(name, value, unit)


def _print_table(name: str, figures: Iterable[tuple[str, float, str, float | None]]) -> None:
    for figure, value, unit, yardstick in figures:
        emit(f"{name}.{figure}", value, unit, yardstick)


def bench_flow_2s() -> None:
    """The whole catalogue against a server that takes 2 s, 256 requests at a time: about eight minutes."""
    _print_table("flow2s", measure_flow(2.0))


def bench_flow_1s() -> None:
    """The same against one that takes 1 s."""
    _print_table("flow1s", measure_flow(1.0))


def bench_single_shot() -> None:
    """Documenting, specifying and instructing the whole catalogue, 1 s a request, 64 at a time."""
    _print_table("single64", measure_single_shot())


def bench_client_cpu() -> None:
    """CPU per completion, and a bare loop's."""
    _print_table("client_cpu", measure_client_cpu())


def bench_store() -> None:
    """Durable completions written and read, by two processes at once."""
    _print_table("store", measure_store())


def bench_throttle() -> None:
    """An endpoint that allows 20 requests in flight, then 5, then 40."""
    _print_table("throttle", measure_throttle())


def bench_kills() -> None:
    """kill -9 ten times, then to the end."""
    _print_table("kills", measure_kills())


def bench_faults() -> None:
    """A fifth of all requests fails in one way or another."""
    _print_table("faults20", measure_faults())


def bench_outages() -> None:
    """An endpoint that is away for a minute: by 502, by a closed port, by a model that loads."""
    _print_table("outages", measure_outages())


def bench_train_cpu() -> None:
    """Training on the CPU, packed and padded as ToolAlpaca does; needs the `train` extra."""
    from tests.benchmarks.training import measure_training

    _print_table("train_cpu", measure_training())


def _read_rows(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    return [row for table in ("train", "test", "rejected") for row in workspace.read(name, table)]


def _read_sent(workspace: Workspace) -> int:
    """The calls that the last run says it sent."""
    found = [line for line in workspace.read_log().splitlines() if "sent" in line]
    digits = "".join(char for char in found[-1].split("sent")[0].split(",")[-1] if char.isdigit())
    return int(digits)


BENCHMARKS: dict[str, Callable[[], None]] = {
    "small": bench_small,
    "full": bench_full,
    "errors": bench_errors,
    "memory": bench_memory,
    "flow2s": bench_flow_2s,
    "flow1s": bench_flow_1s,
    "single64": bench_single_shot,
    "client_cpu": bench_client_cpu,
    "store": bench_store,
    "throttle": bench_throttle,
    "kills": bench_kills,
    "faults20": bench_faults,
    "outages": bench_outages,
    "train_cpu": bench_train_cpu,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, all by default."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"error: no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        # A machine that does something else as well measures that too.
        print(f"{name}: load average {', '.join(f'{load:.2f}' for load in os.getloadavg())}", file=sys.stderr)
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
