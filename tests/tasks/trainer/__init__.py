"""Tests of the trainer; skipped as a whole where the `train` extra is not installed."""

from importlib.util import find_spec

import pytest

if any(find_spec(name) is None for name in ("torch", "transformers", "trl", "peft", "accelerate")):
    pytest.skip("the train extra is not installed: make setup-train", allow_module_level=True)
