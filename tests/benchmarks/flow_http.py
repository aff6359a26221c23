"""The whole flow against an HTTP endpoint with a latency: how near it comes to keeping 256 requests in flight.

The ideal is calls × latency ÷ 256. The bar is about the walk: from the first request that the server sees to the last
whole answer that it sends. The whole command (Prefect server, catalogue, checks and publication included) is reported
beside it. The yardstick is a bare loop over a sample of the same bodies on the same transport, by its own ideal.
"""

import gc
import random
from collections.abc import Iterator

from tests.benchmarks.bare import Way, measure_bare
from tests.benchmarks.recording import make_body, record
from tests.benchmarks.workspace import open_workspace
from tests.endpoint.process import serve_offline

APIS: int | None = None
"""None takes the whole bundled catalogue."""

IN_FLIGHT = 256
BARE_S = 40.0
"""Seconds that the bare loop would ideally take: long against its own start and end."""

_WAYS: tuple[Way, ...] = ("post", "create")


def measure_flow(latency_s: float) -> Iterator[tuple[str, float, str, float | None]]:
    """Name, value, unit and yardstick of each figure."""
    recording = record(APIS)
    replay = ("--replay", str(recording.answers), "--latency", str(latency_s))
    requests = recording.list_requests()
    sample = random.Random(0).sample(requests, min(round(BARE_S / latency_s) * IN_FLIGHT, len(requests)))
    bodies = [make_body(request) for request in sample]
    gc.collect()
    gc.freeze()  # thousands of requests are no part of a bare loop's garbage collection
    bare: dict[Way, float] = {}
    for way in _WAYS:
        with serve_offline(*replay) as server:
            seconds = measure_bare(server.base_url, bodies, IN_FLIGHT, way)
        bare[way] = seconds / (len(bodies) * latency_s / IN_FLIGHT)
    with serve_offline(*replay) as server, open_workspace() as workspace:
        timing = workspace.build(
            *("--apis", "all" if APIS is None else str(APIS)),
            *("--teacher.base_url", server.base_url, "--teacher.concurrency", str(IN_FLIGHT)),
        )
        stats = server.stats()
    calls = stats["paid"]["completions"]
    ideal = calls * latency_s / IN_FLIGHT
    span = stats["last_at"] - stats["first_at"]
    yield "walk", span / ideal, "times the ideal", bare["post"]
    yield "walk_over_bare_post", span / ideal / bare["post"], "times", None
    yield "walk_over_bare_create", span / ideal / bare["create"], "times", bare["create"]
    yield "command", timing.seconds / ideal, "times the ideal", bare["post"]
    yield "walk_seconds", span, "s", ideal
    yield "command_seconds", timing.seconds, "s", ideal
    yield "cpu_per_call", 1000 * timing.cpu_s / calls, "ms", None
    yield "calls", calls, "completions", None
    yield "not_replayed", stats["generated"], "answers", None
    yield "most_in_flight", stats["most_in_flight"], "requests", None
