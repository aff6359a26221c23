"""The one way to a teacher: client, durable store, throttle, budget, retries, structured output, ledger and prices.

All text that a model writes comes through `Teacher`. What is asked (prompts) and what becomes of the answers is for
others to say.
"""

from tasks.completions.store import CompletionStore
from tasks.teacher.budget import Spent
from tasks.teacher.client import RequestCounts, Teacher, open_teacher
from tasks.teacher.endpoint import build_recipe
from tasks.teacher.engine.engine import Engine, EngineStart, EngineState, require_usable_teacher
from tasks.teacher.engine.garbage import collect_rarely
from tasks.teacher.ledger import Ledger
from tasks.teacher.prices import Price, Prices, find_price, load_prices

__all__ = [
    "CompletionStore",
    "Engine",
    "EngineStart",
    "EngineState",
    "Ledger",
    "Price",
    "Prices",
    "RequestCounts",
    "Spent",
    "Teacher",
    "build_recipe",
    "collect_rarely",
    "find_price",
    "load_prices",
    "open_teacher",
    "require_usable_teacher",
]
