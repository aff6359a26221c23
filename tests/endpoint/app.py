"""The embedded teacher's app with a Batch API beside it."""

import json
from typing import Any

from starlette.applications import Starlette

from tasks.embedded.app import MODEL, answer_chat, list_routes
from tests.endpoint.batches import BatchDesk, BatchDials


def create_batching_app(error_rate: float = 0.0, dials: BatchDials | None = None) -> Starlette:
    """The app; it errs in a share `error_rate` of its answers. Its state holds `batches`, the desk of its Batch API."""

    def answer_line(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, answer = answer_chat(json.dumps(body).encode(), error_rate)
        return status, json.loads(answer)

    desk = BatchDesk(answer_line, MODEL, dials or BatchDials())
    app = Starlette(routes=[*list_routes(error_rate), *desk.routes()])
    app.state.batches = desk
    return app
