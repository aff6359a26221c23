"""The one way to a teacher: client, durable store, throttle, budget, retries, structured output, ledger and prices.

All text that a model writes comes through `Teacher`. What is asked (prompts) and what becomes of the answers is for
others to say.
"""

from tasks.llm.budget import Spent
from tasks.llm.client import Counts, Teacher, open_teacher
from tasks.llm.endpoint import build_recipe
from tasks.llm.engine import SINGLE_SHOT, Engine, EngineStart
from tasks.llm.garbage import collect_rarely
from tasks.llm.ledger import Ledger
from tasks.llm.preflight import check_teacher, find_price
from tasks.llm.prices import Price, Prices, load_prices
from tasks.llm.store import CompletionStore

__all__ = [
    "SINGLE_SHOT",
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
