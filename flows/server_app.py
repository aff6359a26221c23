"""What the Prefect server's process serves: Prefect's own app, for its own pages and for names that it is known by.

uvicorn calls `create_guarded_app` in the process that `flows.server` starts. Prefect itself asks for the password and
for a token against forged requests. What it does not look at is looked at here: a name that somebody else's DNS points
to us, a page of another origin, also where it opens a WebSocket, and a page that shows ours in a frame.
"""

import os

from prefect.server.api.server import create_app as create_prefect_app
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.server_access import HOSTS_VARIABLE


class OwnPagesOnly:
    """Turns down what a page of another origin asks, and keeps other pages from showing ours in a frame.

    A page is our own where the host of its origin is the one that it asks, port included. What no page asked (a client,
    a worker) comes without an origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if not all(origin.lower() in (f"http://{host}", f"https://{host}") for origin in headers.getlist("origin")):
            await PlainTextResponse("Pages of other origins may not ask here.", 403)(scope, receive, send)
            return

        async def send_unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["content-security-policy"] = "frame-ancestors 'none'"
            await send(message)

        await self._app(scope, receive, send_unframed)


def create_guarded_app() -> ASGIApp:
    """Prefect's app behind these checks; `flows.server` has set the variable to every name that there is."""
    hosts = os.environ[HOSTS_VARIABLE].split(",")
    private = os.umask(0o022)  # Prefect copies its pages, which are no secret, to where it is installed
    try:
        app = create_prefect_app()
    finally:
        os.umask(private)
    return TrustedHostMiddleware(OwnPagesOnly(app), hosts, www_redirect=False)
