"""A server of one's own for a test: what it answers, a handler of the standard library says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet:
    """What makes a handler write no log, as its first base."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def answer_by(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server, which is gone at the end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
