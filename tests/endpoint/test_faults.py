"""The embedded teacher as a server process: faults as they come over the wire, limits, counters, recorded answers."""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.endpoint.__main__ import main
from tests.endpoint.faults import FAULTS, Burst, FaultPlan
from tests.endpoint.limits import LimitSchedule, LimitStep, RateLimit, write_duration
from tests.endpoint.process import OfflineServer, reset_stats, serve_offline

TOOL = {
    "type": "function",
    "function": {
        "name": "countPets",
        "description": "Count the pets. Returns: count.",
        "parameters": {"type": "object", "properties": {}, "required": []},
    },
}


def ask(seed: int = 1) -> bytes:
    messages = [{"role": "system", "content": "Help."}, {"role": "user", "content": "Count the pets."}]
    return json.dumps({"model": "offline", "messages": messages, "tools": [TOOL], "seed": seed}).encode()


@dataclass(frozen=True)
class Reply:
    """What came over the wire: `end` says whether the server closed the connection, reset it, or never ended."""

    raw: bytes
    end: str

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if self.raw else 0

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def answer(self) -> Any:
        return json.loads(self.body)


def send(server: OfflineServer, body: bytes, patience_s: float = 20.0) -> Reply:
    """One request over a socket of its own, read until its end or for so long."""
    address = urlsplit(server.base_url)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    raw, end = b"", time.monotonic() + patience_s
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode() + body)
        try:
            while (left := end - time.monotonic()) > 0:
                connection.settimeout(left)
                if not (part := connection.recv(65536)):
                    return Reply(raw, "closed")
                raw += part
        except ConnectionResetError:
            return Reply(raw, "reset")
        except TimeoutError:
            pass
    return Reply(raw, "endless")


def send_all(server: OfflineServer, bodies: list[bytes], patience_s: float = 20.0) -> list[Reply]:
    """All requests at once."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: send(server, body, patience_s), bodies))


def name_fault(reply: Reply) -> str:
    """The fault that a reply shows, as somebody sees it who has only the reply; "" for a good answer."""
    if reply.end != "closed":
        return {"reset": "reset_body" if reply.raw else "reset"}.get(reply.end, reply.end)
    if reply.headers["content-type"] == "text/html":
        return "html"
    assert int(reply.headers["content-length"]) == len(reply.body)
    if reply.status != 200:
        assert reply.answer["error"]["message"]
        asked = any("retry-after" in name or "ratelimit" in name for name in reply.headers)
        return f"{reply.status}_after" if asked else str(reply.status)
    try:
        answer = reply.answer
    except ValueError:
        return "truncated"
    if "error" in answer:
        return "error_body"
    if not answer["choices"]:
        return "no_choices"
    assert answer["choices"][0]["message"]["tool_calls"]
    if reply.headers["content-type"] == "text/plain":
        return "wrong_type"
    return "" if "usage" in answer else "no_usage"


@pytest.fixture(scope="module")
def server() -> Iterator[OfflineServer]:
    """One without faults that takes half a second."""
    with serve_offline("--latency", "0.5") as server:
        yield server


class TestFaults:
    def test_what_the_server_counts_is_what_comes_over_the_wire(self) -> None:
        options = [option for name in FAULTS for option in ("--fault", f"{name}=0.06")]
        with serve_offline(*options, "--burst", "2", "--slow", "0.1") as server:
            replies = send_all(server, [ask(seed) for seed in range(120)], patience_s=5)
            stats = server.stats()
        seen, counted = Counter(map(name_fault, replies)), Counter(stats["faults"])
        assert set(counted) == set(FAULTS)
        good = len(replies) - counted.total() + counted.pop("slow")  # late, which cannot be seen from here
        counted["429"] += counted.pop("429_burst")  # one by one they look alike
        assert seen == counted + Counter({"": good})
        assert stats["requests"] == len(replies)
        assert Counter(stats["statuses"]) == Counter(str(reply.status) for reply in replies if reply.end == "closed")
        paid = seen[""] + seen["wrong_type"] + seen["no_usage"]
        assert stats["paid"] == {"completions": paid, "distinct": paid, "repeated": {}}

    def test_a_429_asks_to_wait_in_every_form_in_turn(self) -> None:
        with serve_offline("--fault", "429_after=1", "--retry-after", "0.25") as server:
            replies = [send(server, ask()) for _ in range(6)]
        asked = [{name: value for name, value in reply.headers.items() if name.startswith(("retry", "x-"))}
                 for reply in replies]  # fmt: skip
        assert asked[0] == {"retry-after": "0.25"}
        assert asked[1] == {"retry-after-ms": "250"}
        assert asked[2] == {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "250ms"}
        assert asked[3]["retry-after"].endswith("GMT")
        assert asked[4] == {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "250ms"}
        assert 0 < float(asked[5]["x-ratelimit-reset"]) - time.time() + 60 < 61

    def test_an_endless_body_trickles_or_stalls_and_ends_with_the_client(self) -> None:
        with serve_offline("--fault", "endless=1") as server:
            trickle, stall = (send(server, ask(), patience_s=0.6) for _ in range(2))
            wait_for(lambda: server.stats()["in_flight"] == 0)
        assert trickle.body.count(b"1\r\n \r\n") > 1
        assert stall.body.count(b"1\r\n \r\n") == 0
        assert stall.body.startswith(trickle.body[:40])
        assert (trickle.end, stall.end) == ("endless", "endless")

    def test_a_slow_answer_is_late_and_whole(self) -> None:
        with serve_offline("--fault", "slow=1", "--slow", "0.5") as server:
            started = time.monotonic()
            assert name_fault(send(server, ask())) == ""
            assert time.monotonic() - started >= 0.5

    def test_a_request_that_is_wrong_is_told_so_whatever_the_fault(self) -> None:
        with serve_offline("--fault", "no_usage=0.5", "--fault", "reset_body=0.5") as server:
            replies = [send(server, json.dumps({"model": "gpt-9", "messages": [{}]}).encode()) for _ in range(6)]
            assert server.stats()["paid"]["completions"] == 0
        assert [reply.status for reply in replies] == [404] * 6


class TestPlan:
    def test_the_same_seed_draws_the_same_faults_and_another_seed_others(self) -> None:
        def draw(seed: int) -> list[str | None]:
            plan = FaultPlan({"500": 0.3, "reset": 0.2}, seed)
            return [plan.choose(0.0) for _ in range(1000)]

        assert draw(1) == draw(1) != draw(2)
        drawn = Counter(draw(1))
        assert 240 < drawn["500"] < 360
        assert 140 < drawn["reset"] < 260

    def test_a_burst_goes_on_for_as_many_requests(self) -> None:
        plan = FaultPlan({"429_burst": 0.02}, seed=5, burst=Burst(requests=4))
        drawn = [plan.choose(0.0) is not None for _ in range(400)]
        runs = [len(run) for run in "".join("x" if hit else " " for hit in drawn).split()]
        assert len(runs) > 3
        assert min(runs) == 5

    def test_a_burst_goes_on_for_as_many_seconds(self) -> None:
        plan = FaultPlan({"429_burst": 0.01}, seed=5, burst=Burst(requests=0, seconds=10))
        now = 0.0
        while plan.choose(now) is None:
            now += 100
        assert plan.choose(now + 9) == "429_burst"
        assert plan.choose(now + 11) is None


class TestLimits:
    def test_requests_beyond_a_limit_that_moves_are_refused_at_once(self) -> None:
        bodies = [ask(seed) for seed in range(6)]
        with serve_offline("--limit", "2@0,4@4", "--limit-retry-after", "0.1", "--latency", "1.5") as server:
            first = send_all(server, bodies)
            time.sleep(4)
            second = send_all(server, bodies)
            stats = server.stats()
        assert sorted(reply.status for reply in first) == [200] * 2 + [429] * 4
        assert sorted(reply.status for reply in second) == [200] * 4 + [429] * 2
        refused = [reply for reply in [*first, *second] if reply.status == 429]
        assert {reply.headers["retry-after"] for reply in refused} == {"0.1"}
        assert (stats["most_in_flight"], stats["limited"]) == (4, {"in_flight": 6})

    def test_a_schedule_holds_from_each_of_its_moments_on(self) -> None:
        schedule = LimitSchedule([LimitStep(0, 20), LimitStep(20, 5), LimitStep(40, 40)])
        assert [schedule.find_limit(second) for second in (0, 19.9, 20, 39, 40, 1000)] == [20, 20, 5, 5, 40, 40]

    def test_requests_per_minute_are_announced_with_every_answer(self) -> None:
        with serve_offline("--rpm", "3", "--fault", "500=0.000001") as server:
            replies = [send(server, ask()) for _ in range(4)]
            assert server.stats()["limited"] == {"rate": 1}
        assert [reply.status for reply in replies] == [200, 200, 200, 429]
        assert {reply.headers["x-ratelimit-limit-requests"] for reply in replies} == {"3"}
        assert [reply.headers["x-ratelimit-remaining-requests"] for reply in replies] == ["2", "1", "0", "0"]
        assert 0 < int(replies[3].headers["retry-after-ms"]) <= 20_000

    def test_a_bucket_fills_evenly_and_no_further_than_its_limit(self) -> None:
        bucket = RateLimit(60)
        assert [bucket.take(0.0) for _ in range(61)] == [True] * 60 + [False]
        assert bucket.ask_to_wait() == [("retry-after", "1"), ("retry-after-ms", "1000")]
        assert [bucket.take(2.0) for _ in range(3)] == [True, True, False]
        assert dict(bucket.announce(2.0))["x-ratelimit-reset-requests"] == "1m0s"
        assert dict(bucket.announce(500.0))["x-ratelimit-remaining-requests"] == "60"

    @pytest.mark.parametrize(
        ("seconds", "written"),
        [(0, "0ms"), (0.02, "20ms"), (0.0201, "21ms"), (1.5, "1.5s"), (60, "1m0s"), (90, "1m30s"), (3723.5, "1h2m3.5s"),
         (3600, "1h0m0s")],
    )  # fmt: skip
    def test_durations_are_written_as_openai_does(self, seconds: float, written: str) -> None:
        assert write_duration(seconds) == written


class TestStats:
    def test_completions_that_were_paid_again_are_named(self, server: OfflineServer) -> None:
        reset_stats(server.base_url)
        in_another_order = json.dumps(dict(reversed(json.loads(ask(1)).items()))).encode()
        send_all(server, [ask(1), in_another_order, ask(2)])
        paid = server.stats()["paid"]
        assert (paid["completions"], paid["distinct"], list(paid["repeated"].values())) == (3, 2, [2])

    def test_it_is_told_when_requests_came_and_answers_went(self, server: OfflineServer) -> None:
        reset_stats(server.base_url)
        assert (server.stats()["first_at"], server.stats()["last_at"]) == (None, None)
        start = time.monotonic()
        send_all(server, [ask(1), ask(1), ask(2)])
        stats, end = server.stats(), time.monotonic()
        (moments,) = stats["repeated_at"].values()
        assert len(moments) == 2
        assert start <= stats["first_at"] <= min(moments) <= max(moments) <= stats["last_at"] <= end

    def test_an_answer_that_nobody_waits_for_is_not_paid(self, server: OfflineServer) -> None:
        reset_stats(server.base_url)
        send(server, ask(3), patience_s=0.1)
        wait_for(lambda: server.stats()["in_flight"] == 0)
        stats = server.stats()
        assert (stats["requests"], stats["abandoned"], stats["paid"]["completions"]) == (1, 1, 0)
        assert stats["most_in_flight"] == 1


class TestRecordedAnswers:
    def test_what_was_recorded_is_replayed_and_what_was_not_is_generated(self, tmp_path: Path) -> None:
        file = tmp_path / "answers.jsonl"
        with serve_offline("--record", str(file)) as server:
            recorded = [send(server, ask(seed)).answer for seed in (1, 2, 1)]
            assert server.stats()["generated"] == 2
        assert len(file.read_text().splitlines()) == 2
        in_another_order = json.dumps(dict(reversed(json.loads(ask(2)).items()))).encode()
        with serve_offline("--replay", str(file), "--fault", "wrong_type=1") as server:
            replies = [send(server, body) for body in (ask(1), in_another_order, ask(3))]
            stats = server.stats()
        assert [reply.answer for reply in replies[:2]] == recorded[:2]
        assert [name_fault(reply) for reply in replies] == ["wrong_type"] * 3
        assert (stats["replayed"], stats["generated"]) == (2, 1)

    def test_one_file_may_be_replayed_and_recorded_to(self, tmp_path: Path) -> None:
        file = str(tmp_path / "answers.jsonl")
        for run in range(2):
            with serve_offline("--replay", file, "--record", file) as server:
                send(server, ask())
                assert server.stats()["replayed"] == run

    def test_a_file_that_holds_something_else_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "answers.jsonl"
        file.write_text('{"request": 1}\n')
        assert main(["--replay", str(file)]) == 2
        assert capsys.readouterr().err == f"error: {file}, line 1: not a recorded answer\n"


class TestCommandLine:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--fault", "430=0.1"], "no fault '430'"),
            (["--fault", "429"], "not of the form"),
            (["--fault", "429=2"], "'2' is not a share"),
            (["--fault", "429=0.7", "--fault", "500=0.4"], "add up to 1.1"),
            (["--fault", "429=0.1", "--fault", "429=0.1"], "two rates"),
            (["--latency", "-1"], "'-1' is not a number of 0 or more"),
            (["--latency", "nan"], "'nan' is not a number of 0 or more"),
            (["--limit", "5@3"], "second 0"),
            (["--limit", "20@0,5@9,4@9"], "in order"),
            (["--limit", "0"], "'0' is not a whole number"),
            (["--burst", "ten"], "'ten' is not a whole number"),
            (["--rpm", "1.5"], "'1.5' is not a whole number"),
            (["--port", "70000"], "'70000' is not a port"),
            (["--fualt", "429=0.1"], "--fualt"),
        ],
    )
    def test_a_mistake_is_one_line_and_status_2(
        self, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        line = capsys.readouterr().err
        assert exit_.value.code == 2
        assert told in line
        assert line.count("\n") == 1

    def test_a_port_that_is_taken_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert main(["--port", str(port)]) == 2
        assert capsys.readouterr().err == f"error: cannot listen on 127.0.0.1, port {port}: Address already in use\n"

    def test_the_help_names_every_fault_and_fits_80_columns(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["--help"])
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) < 80
        assert [name for name in FAULTS if not any(line.startswith(f"  {name} ") for line in lines)] == []


def wait_for(condition: Callable[[], bool], patience_s: float = 20.0) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
