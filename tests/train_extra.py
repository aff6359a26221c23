"""The mark of tests that need what only the `train` extra brings."""

from importlib.util import find_spec

import pytest

TRAIN_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate")

needs_train_extra = pytest.mark.skipif(
    any(find_spec(name) is None for name in TRAIN_PACKAGES),
    reason="the train extra is not installed: make setup-train",
)

needs_curve = pytest.mark.skipif(
    find_spec("matplotlib") is None, reason="the train extra is not installed: make setup-train"
)
"""For tests of the flow with a trainer that needs no torch: it draws the curve all the same."""
