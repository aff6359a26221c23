"""The embedded teacher as a server:  python -m tests.endpoint --port 8399 --latency 0.2 --error-rate 0.05"""

import socket
import sys
from collections.abc import Sequence

import uvicorn

from tests.endpoint.exchange import ReachableProtocol
from tests.endpoint.options import parse_options
from tests.endpoint.serving import OfflineServer

_BACKLOG = 2048
_LAST_WORDS_S = 1
"""What a stopping server leaves requests in flight, in seconds: some of them never end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; returns the exit status."""
    options = parse_options(arguments)
    try:
        app = OfflineServer(options.conduct)
        listener = _listen(options.host, options.port)
    except (OSError, ValueError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(
        f"the embedded teacher answers at http://{host}:{listener.getsockname()[1]}/v1 as model 'offline'", flush=True
    )
    config = uvicorn.Config(
        app,
        http=ReachableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return 130
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Made by the address's own protocol number: asyncio turns Nagle's algorithm off only on sockets that name TCP, and
    with it on, a body that follows its headers waits 40 ms for the client's acknowledgement.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    return listener


if __name__ == "__main__":
    raise SystemExit(main())
