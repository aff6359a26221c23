"""The server's command line."""

import argparse
import itertools
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests.endpoint.batches import BatchDials
from tests.endpoint.faults import FAULTS, Burst
from tests.endpoint.limits import LimitSchedule, LimitStep
from tests.endpoint.serving import Conduct

_WIDTH = 79
_DESCRIPTION = "Serve the embedded teacher over HTTP, with latency, faults and limits to order. GET /stats counts."
_FAULTS = "faults:\n" + "\n".join(f"  {name:<12} {what}" for name, what in FAULTS.items())


@dataclass(frozen=True)
class Options:
    """Where to listen, and how to behave."""

    host: str
    port: int
    conduct: Conduct


class _Parser(argparse.ArgumentParser):
    """argparse with one line for a mistake instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message.removeprefix('argument ')}; --help lists the options", file=sys.stderr)
        raise SystemExit(2)


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """The options; a wrong one is told in one line, with exit status 2."""
    parser = _build_parser()
    given = parser.parse_args(arguments)
    names = [name for name, _ in given.fault]
    if len(set(names)) < len(names):
        parser.error("--fault: one fault has two rates")
    faults = dict(given.fault)
    if (total := sum(faults.values())) > 1 + 1e-9:
        parser.error(f"--fault: the rates add up to {total:g}, which is more than 1")
    conduct = Conduct(
        error_rate=given.error_rate,
        latency_s=given.latency,
        faults=faults,
        fault_seed=given.fault_seed,
        burst=given.burst,
        slow_s=given.slow,
        retry_after_s=given.retry_after,
        limit=given.limit,
        limit_retry_after_s=given.limit_retry_after,
        per_minute=given.rpm,
        replay=given.replay,
        record=given.record,
        batches=BatchDials(given.batch_delay, given.batch_fail_share, given.batch_expire_share),
    )
    return Options(given.host, given.port, conduct)


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m tests.endpoint",
        usage="python -m tests.endpoint [--option value ...]",
        description=_DESCRIPTION,
        epilog=_FAULTS,
        formatter_class=lambda prog: _Formatter(prog, max_help_position=28, width=_WIDTH),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=8399, metavar="N", help="port; 0 takes a free one (default: %(default)s)")
    add("--latency", type=_number, default=0.0, metavar="S", help="seconds each answer takes (default: 0)")
    add("--error-rate", type=_share, default=0.0, metavar="X", help="share of answers that err, 0 to 1 (default: 0)")

    faults = parser.add_argument_group("faults and limits")
    add = faults.add_argument
    add("--fault", type=_fault, action="append", default=[], metavar="NAME=X",
        help="share of requests that meet this fault, 0 to 1; once for each fault")  # fmt: skip
    add("--fault-seed", type=int, default=0, metavar="N", help="which requests meet a fault (default: %(default)s)")
    add("--burst", type=_burst, default=Burst(), metavar="N|Ss",
        help="how long a 429_burst goes on: 10 for as many more requests, 0.5s for seconds (default: 10)")  # fmt: skip
    add("--slow", type=_number, default=5.0, metavar="S", help="seconds a slow answer is late (default: 5)")
    add("--retry-after", type=_number, default=0.2, metavar="S",
        help="seconds a 429_after asks to wait (default: 0.2)")  # fmt: skip
    add("--limit", type=_schedule, metavar="N[@S],...",
        help="requests in flight before more get a 429: 20@0,5@30 allows 20, and 5 from 30 s after the first "
        "request on (default: any number)")  # fmt: skip
    add("--limit-retry-after", type=_number, metavar="S",
        help="seconds those 429s ask to wait (default: they do not say)")  # fmt: skip
    add("--rpm", type=_count, metavar="N",
        help="requests a minute, announced in x-ratelimit headers (default: any number)")  # fmt: skip

    batches = parser.add_argument_group("Batch API")
    add = batches.add_argument
    add("--batch-delay", type=_number, default=0.0, metavar="S", help="seconds until a batch ends (default: 0)")
    add("--batch-fail-share", type=_share, default=0.0, metavar="X", help="share of a batch's lines that fail")
    add("--batch-expire-share", type=_share, default=0.0, metavar="X", help="share of a batch's lines that expire")

    files = parser.add_argument_group("recorded answers")
    files.add_argument("--record", type=Path, metavar="FILE", help="add new answers to this file")
    files.add_argument("--replay", type=Path, metavar="FILE",
                       help="take answers from this file where it has them, at little CPU; may be the one recorded to"
                       )  # fmt: skip
    return parser


class _Formatter(argparse.HelpFormatter):
    """Fills all text but the epilog, which is a list."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text == _FAULTS else super()._fill_text(text, width, indent)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return value


def _share(text: str) -> float:
    value = _number(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1")
    return value


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _fault(text: str) -> tuple[str, float]:
    name, separator, rate = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 429=0.05")
    if name not in FAULTS:
        raise argparse.ArgumentTypeError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    return name, _share(rate)


def _burst(text: str) -> Burst:
    if text.endswith("s"):
        return Burst(requests=0, seconds=_number(text[:-1]))
    return Burst(requests=_count(text))


def _schedule(text: str) -> LimitSchedule:
    steps = []
    for part in text.split(","):
        limit, separator, start = part.partition("@")
        steps.append(LimitStep(_number(start) if separator else 0.0, _count(limit)))
    starts = [step.start_s for step in steps]
    if starts[0] != 0 or any(later <= earlier for earlier, later in itertools.pairwise(starts)):
        raise argparse.ArgumentTypeError(f"{text!r} does not start at second 0 and go on in order, as 20@0,5@30 does")
    return LimitSchedule(steps)
