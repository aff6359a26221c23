"""The one way to a teacher: client, durable store, throttle, budget, retries, structured output, ledger and prices.

All text that a model writes comes through `Teacher`. What is asked (prompts) and what becomes of the answers is for
others to say.
"""

from tasks.completions.store import CompletionStore
from tasks.teacher.budget import Spent
from tasks.teacher.client import Counts, Teacher, open_teacher
from tasks.teacher.endpoint import build_recipe
from tasks.teacher.engine.engine import Engine, EngineStart
from tasks.teacher.engine.garbage import collect_rarely
from tasks.teacher.ledger import Ledger
from tasks.teacher.preflight import check_teacher, find_price
from tasks.teacher.prices import Price, Prices, load_prices

__all__ = [
    "CompletionStore",
    "Counts",
    "Engine",
    "EngineStart",
    "Ledger",
    "Price",
    "Prices",
    "Spent",
    "Teacher",
    "build_recipe",
    "check_teacher",
    "collect_rarely",
    "find_price",
    "load_prices",
    "open_teacher",
]
