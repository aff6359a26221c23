"""The examples in the records' docstrings are records of that kind."""

import importlib
import json
import pkgutil

import pytest

import schemas
from schemas.base import Record

MODULES = [importlib.import_module(f"schemas.{module.name}") for module in pkgutil.iter_modules(schemas.__path__)]
EXAMPLES = {
    kind: " ".join((kind.__doc__ or "").partition("\n\n    Example: ")[2].split())
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Record) and "Example: " in (kind.__doc__ or "")
}


@pytest.mark.parametrize(("kind", "text"), EXAMPLES.items())
def test_an_example_is_a_record_of_its_kind_and_leaves_out_what_is_the_default(kind: type[Record], text: str) -> None:
    record = kind.model_validate_json(text)
    assert record.model_dump(mode="json", exclude_unset=True) == json.loads(text)


def test_what_an_episode_is_made_of_has_an_example() -> None:
    assert {"Instruction", "ToolCall", "Message", "Observation", "Verdict", "Function", "LedgerRow"} <= {
        kind.__name__ for kind in EXAMPLES
    }
