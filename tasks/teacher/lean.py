"""The SDK's client with cheaper requests: what is the same in all posts to one path is built once.

The SDK merges URLs, headers and options anew for each request, 0.6 ms of CPU. Client, transport, time-outs and errors
are the SDK's own.
"""

from typing import Any

import httpx2
import openai
from openai._models import FinalRequestOptions
from openai._utils._json import openapi_dumps


class LeanClient(openai.AsyncOpenAI):
    """An `AsyncOpenAI` whose posts of JSON without further options copy the SDK's request for the first one.

    For a client whose key and headers do not change. Cookies are not sent back.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._first: dict[str, tuple[FinalRequestOptions, httpx2.Request]] = {}

    @property
    def user_agent(self) -> str:
        """The SDK's: it names the class."""
        return super().user_agent.replace(type(self).__name__, openai.AsyncOpenAI.__name__)

    def _validate_headers(self, headers: Any, custom_headers: Any) -> None:
        """Whatever stands in them: where a key goes, and whether one is needed, `endpoint` says."""

    async def post(self, path: str, *, cast_to: Any, **options: Any) -> Any:
        """What `AsyncOpenAI.post` gives."""
        body = options.get("body")
        if len(options) != 1 or not isinstance(body, dict):
            return await super().post(path, cast_to=cast_to, **options)
        if path not in self._first:
            first = FinalRequestOptions.construct(method="post", url=path)
            self._first[path] = first, super()._build_request(first)
        return await self.request(cast_to, self._first[path][0].model_copy(update={"json_data": body}))

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        known = self._first.get(options.url)
        # Options of a post above share all they have with the first ones, but for the body and an idempotency key.
        if known is None or options.params is not known[0].params or retries_taken:
            return super()._build_request(options, retries_taken=retries_taken)
        built = known[1]
        body = openapi_dumps(options.json_data)
        headers = built.headers.copy()
        headers["content-length"] = str(len(body))
        request = httpx2.Request(
            built.method, built.url, headers=headers, stream=httpx2.ByteStream(body), extensions=built.extensions
        )
        request.read()
        return request
