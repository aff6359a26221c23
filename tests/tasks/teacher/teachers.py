"""Teachers to ask: over HTTP, or over an app in process for what runs in passing time."""

from typing import Any

from schemas.calls import ChatRequest, Completion
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, Engine, Ledger, Teacher
from tasks.teacher.in_process import connect_app
from tests.tasks.teacher.endpoints import Endpoint, serve

SINGLE_SHOT = frozenset({"document", "instruct"})


def ask(text: str = "Hello", **fields: Any) -> ChatRequest:
    """A request that says this."""
    return ChatRequest(messages=({"role": "user", "content": text},), **fields)


def connect(
    url: str,
    store: CompletionStore | None = None,
    ledger: Ledger | None = None,
    *,
    budget: Budget | None = None,
    max_error_share: float = 1.0,
    **settings: Any,
) -> Teacher:
    """A teacher at this address, which waits for hundredths of a second after a failure."""
    chosen = TeacherSettings(model="tiny", base_url=url, api_key_env="TINY_KEY", **settings)
    engine = Engine(chosen, store, budget=budget, max_error_share=max_error_share, first_backoff_s=0.02,
                    single_shot=SINGLE_SHOT)  # fmt: skip
    return Teacher(engine, ledger or Ledger())


async def complete(teacher: Teacher, request: ChatRequest | None = None) -> Completion:
    """What it answers to a request of one and the same owner."""
    return await teacher.complete(request or ask(), stage="simulate", api_id="cats", owner="cats-1")


def connect_in_process(
    endpoint: Endpoint, *, budget: Budget | None = None, max_error_share: float = 1.0, **settings: Any
) -> Teacher:
    """The same over no socket, for what runs in passing time."""
    chosen = TeacherSettings(model="tiny", base_url="http://host/v1", api_key_env="TINY_KEY", **settings)
    engine = Engine(chosen, budget=budget, max_error_share=max_error_share, client=connect_app(endpoint.app))
    return Teacher(engine, Ledger())


async def ask_once(endpoint: Endpoint, **settings: Any) -> Completion:
    """What a teacher at this endpoint answers to its first request."""
    with serve(endpoint) as url:
        async with connect(url, **settings) as teacher:
            return await complete(teacher)
