"""The one way to a teacher: client, durable store, throttle, budget, retries, structured output, ledger and prices.

All text that a model writes comes through `Teacher`. What is asked (prompts) and what becomes of the answers is for
others to say.
"""

from tasks.completions.store import CompletionStore
from tasks.teacher.budget import Spent
from tasks.teacher.client import RequestCounts, Teacher, open_teacher
from tasks.teacher.endpoint import build_recipe, gather_secrets
from tasks.teacher.engine.engine import Engine, EngineState
from tasks.teacher.engine.engines import Engines, EngineStart, require_usable_teacher, require_usable_teachers
from tasks.teacher.engine.garbage import collect_rarely
from tasks.teacher.ledger import Ledger
from tasks.teacher.presets import fill_presets, list_endpoints
from tasks.teacher.prices import Price, Prices, find_price, load_prices

__all__ = [
    "CompletionStore",
    "Engine",
    "EngineStart",
    "EngineState",
    "Engines",
    "Ledger",
    "Price",
    "Prices",
    "RequestCounts",
    "Spent",
    "Teacher",
    "build_recipe",
    "collect_rarely",
    "fill_presets",
    "find_price",
    "gather_secrets",
    "list_endpoints",
    "load_prices",
    "open_teacher",
    "require_usable_teacher",
    "require_usable_teachers",
]
