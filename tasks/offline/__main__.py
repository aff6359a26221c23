"""The embedded teacher as a server:  python -m tasks.offline --port 8399 --latency 0.2 --error-rate 0.05"""

import argparse

import uvicorn

from tasks.offline.app import create_app
from tasks.offline.batches import BatchDials


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.offline", description="Serve the embedded teacher over HTTP."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8399, help="port to listen on (default: %(default)s)")
    parser.add_argument("--latency", type=_non_negative, default=0.0, help="seconds each answer takes (default: 0)")
    parser.add_argument("--error-rate", type=_share, default=0.0, help="share of answers that err, 0 to 1 (default: 0)")
    parser.add_argument(
        "--batch-delay", type=_non_negative, default=0.0, help="seconds until a batch ends (default: 0)"
    )
    parser.add_argument("--batch-fail-share", type=_share, default=0.0, help="share of a batch's lines that fail")
    parser.add_argument("--batch-expire-share", type=_share, default=0.0, help="share of a batch's lines that expire")
    options = parser.parse_args()
    print(f"the embedded teacher answers at http://{options.host}:{options.port}/v1 as model 'offline'", flush=True)
    dials = BatchDials(options.batch_delay, options.batch_fail_share, options.batch_expire_share)
    app = create_app(options.error_rate, options.latency, batches=dials)
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


def _non_negative(text: str) -> float:
    value = float(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


if __name__ == "__main__":
    main()
