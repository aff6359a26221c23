"""The Batch API of the embedded teacher's server, as OpenAI has it: `/v1/files` and `/v1/batches`, kept in memory.

A batch ends some seconds after it was created, when it is next asked after; its lines are answered then.
"""

import asyncio
import email
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_URL = "/v1/chat/completions"
Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
"""From a completion's request to its status and body."""


@dataclass(frozen=True)
class BatchDials:
    """Seconds until a batch ends, and the shares of its lines that fail with status 500 and that expire.

    A line that is sent again is another throw of the dice; equal runs fall alike.
    """

    delay_s: float = 0.0
    fail_share: float = 0.0
    expire_share: float = 0.0


@dataclass
class _Batch:
    """A batch as it is shown, and what is needed to end it."""

    shown: dict[str, Any]
    ends_at: float
    ending: asyncio.Lock = field(default_factory=asyncio.Lock)


class BatchDesk:
    """The files and batches of one server. `answer` answers one line; `model` is the one that the server has."""

    def __init__(self, answer: Answer, model: str, dials: BatchDials) -> None:
        self._answer = answer
        self._model = model
        self._dials = dials
        self._files: dict[str, tuple[dict[str, Any], bytes]] = {}
        self._batches: dict[str, _Batch] = {}
        self._throws: Counter[str] = Counter()
        self.uploads = 0
        """Files that were uploaded, those included that were deleted since."""

    @property
    def created(self) -> list[dict[str, Any]]:
        """All batches, oldest first, as they were last shown."""
        return [batch.shown for batch in self._batches.values()]

    def routes(self) -> list[Route]:
        """What the server offers of it."""
        return [
            Route("/v1/files", self._upload, methods=["POST"]),
            Route("/v1/files/{file_id}", self._show_file, methods=["GET"]),
            Route("/v1/files/{file_id}", self._delete_file, methods=["DELETE"]),
            Route("/v1/files/{file_id}/content", self._read_file, methods=["GET"]),
            Route("/v1/batches", self._create, methods=["POST"]),
            Route("/v1/batches", self._list, methods=["GET"]),
            Route("/v1/batches/{batch_id}", self._show, methods=["GET"]),
            Route("/v1/batches/{batch_id}/cancel", self._cancel, methods=["POST"]),
        ]

    async def _upload(self, request: Request) -> Response:
        form = _read_form(request.headers.get("content-type", ""), await request.body())
        if "file" not in form or form.get("purpose", ("", b""))[1] != b"batch":
            return _refuse(400, "a file and the purpose 'batch' are needed")
        name, content = form["file"]
        self.uploads += 1
        return JSONResponse(self._keep(name, content, "batch"))

    async def _show_file(self, request: Request) -> Response:
        found = self._files.get(request.path_params["file_id"])
        return JSONResponse(found[0]) if found else _refuse_unknown(request)

    async def _read_file(self, request: Request) -> Response:
        found = self._files.get(request.path_params["file_id"])
        return Response(found[1], media_type="application/octet-stream") if found else _refuse_unknown(request)

    async def _delete_file(self, request: Request) -> Response:
        file_id = request.path_params["file_id"]
        if self._files.pop(file_id, None) is None:
            return _refuse_unknown(request)
        return JSONResponse({"id": file_id, "object": "file", "deleted": True})

    async def _create(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            content = self._files[asked["input_file_id"]][1]
        except (ValueError, KeyError, TypeError):
            return _refuse(400, "the body must be a JSON object that names an uploaded file in input_file_id")
        if asked.get("endpoint") != _URL or asked.get("completion_window") != "24h":
            return _refuse(400, f"endpoint must be {_URL!r} and completion_window '24h'")
        now = int(time.time())
        batch_id = f"batch_{secrets.token_hex(12)}"
        shown = {
            "id": batch_id,
            "object": "batch",
            "endpoint": _URL,
            "completion_window": "24h",
            "input_file_id": asked["input_file_id"],
            "status": "validating",
            "created_at": now,
            "expires_at": now + 86400,
            "metadata": asked.get("metadata"),
            "request_counts": {"total": content.count(b"\n"), "completed": 0, "failed": 0},
        }
        self._batches[batch_id] = _Batch(shown, time.monotonic() + self._dials.delay_s)
        return JSONResponse(shown)

    async def _list(self, request: Request) -> Response:
        """Newest first, in pages: `limit` of them after the batch `after`."""
        shown = self.created[::-1]
        after = request.query_params.get("after")
        start = next((number + 1 for number, batch in enumerate(shown) if batch["id"] == after), 0)
        limit = int(request.query_params.get("limit", 20))
        page = shown[start : start + limit]
        ids = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return JSONResponse({"object": "list", "data": page, "has_more": len(shown) > start + limit, **ids})

    async def _show(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["batch_id"])
        if batch is None:
            return _refuse_unknown(request)
        async with batch.ending:
            if batch.shown["status"] in ("validating", "in_progress"):
                ended = time.monotonic() >= batch.ends_at
                batch.shown |= await asyncio.to_thread(self._end, batch.shown) if ended else {"status": "in_progress"}
        return JSONResponse(batch.shown)

    async def _cancel(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["batch_id"])
        if batch is None:
            return _refuse_unknown(request)
        async with batch.ending:
            if batch.shown["status"] in ("validating", "in_progress"):
                batch.shown |= {"status": "cancelled", "cancelled_at": int(time.time())}
        return JSONResponse(batch.shown)

    def _keep(self, name: str, content: bytes, purpose: str) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": f"file-{secrets.token_hex(12)}",
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        self._files[shown["id"]] = (shown, content)
        return shown

    def _end(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Answers a batch's lines and tells what changes about it."""
        now = int(time.time())
        content = self._files.get(shown["input_file_id"], ({}, b""))[1]
        lines, problems = self._validate(content)
        if problems:
            return {"status": "failed", "failed_at": now, "errors": {"object": "list", "data": problems}}
        output: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        expired = False
        for line in lines:
            answered = self._answer_line(line)
            expired = expired or answered["response"] is None
            good = answered["response"] is not None and answered["response"]["status_code"] == 200
            (output if good else errors).append(answered)
        status = "expired" if expired else "completed"
        files = {"output_file_id": output, "error_file_id": errors}
        return {
            "status": status,
            f"{status}_at": now,
            "request_counts": {"total": len(lines), "completed": len(output), "failed": len(errors)},
            **{name: self._keep(f"{shown['id']}_{name}.jsonl", _dump(kept), "batch_output")["id"]
               for name, kept in files.items() if kept},
        }  # fmt: skip

    def _validate(self, content: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        lines, problems, seen = [], [], set()
        for number, text in enumerate(content.splitlines(), 1):
            problem = {"line": number, "param": None}
            try:
                line = json.loads(text)
                model, custom_id = line["body"]["model"], line["custom_id"]
                if line["method"] != "POST" or line["url"] != _URL or custom_id in seen:
                    raise ValueError
            except (ValueError, KeyError, TypeError):
                problems.append({**problem, "code": "invalid_line", "message": f"line {number} is no request"})
                continue
            if model != self._model:
                said = f"The provided model {model!r} is not supported by the Batch API."
                problems.append({"line": number, "param": "body.model", "code": "model_not_found", "message": said})
            seen.add(custom_id)
            lines.append(line)
        if not content:
            problems.append({"line": None, "param": None, "code": "empty_file", "message": "the file has no lines"})
        return lines, problems

    def _answer_line(self, line: dict[str, Any]) -> dict[str, Any]:
        custom_id = str(line["custom_id"])
        answered = {"id": f"batch_req_{secrets.token_hex(12)}", "custom_id": custom_id, "response": None, "error": None}
        throw = self._throw(custom_id)
        if throw < self._dials.expire_share:
            text = "This request could not be executed before the completion window expired."
            return {**answered, "error": {"code": "batch_expired", "message": text}}
        if throw < self._dials.expire_share + self._dials.fail_share:
            status, body = 500, {"error": {"message": "the server had an error", "type": "server_error", "code": None}}
        else:
            status, body = self._answer(line["body"])
        return {**answered, "response": {"status_code": status, "request_id": secrets.token_hex(16), "body": body}}

    def _throw(self, custom_id: str) -> float:
        """A number from 0 to 1 that depends on the line and on how often it came."""
        self._throws[custom_id] += 1
        digest = hashlib.sha256(f"{custom_id} {self._throws[custom_id]}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64


def _read_form(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """File name and content by field name. The standard library reads MIME too, so that no package is needed for it."""
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = message.get_payload() if message.is_multipart() else []
    form = {}
    for part in parts:
        if isinstance(part, email.message.Message):
            content = part.get_payload(decode=True)
            name = str(part.get_param("name", header="content-disposition"))
            form[name] = (part.get_filename() or "", content if isinstance(content, bytes) else b"")
    return form


def _dump(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _refuse(status: int, message: str) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status)


def _refuse_unknown(request: Request) -> JSONResponse:
    return _refuse(404, f"there is no {next(iter(request.path_params.values()))!r}")
