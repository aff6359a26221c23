"""The context of a run: there for its body alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tasks.context import RunContext, get_context, use_context
from tests.tasks.parts import make_context


def fail_in(context: RunContext) -> None:
    """A body that finds its context and does not end well."""
    assert get_context() is context
    raise ValueError("no")


def test_a_context_is_that_of_its_body_alone_and_its_process_ends_with_it(tmp_path: Path) -> None:
    outer, inner = make_context(tmp_path), make_context(tmp_path)
    closed: list[str] = []
    outer.side.close = lambda: closed.append("outer")  # type: ignore[method-assign]
    inner.side.close = lambda: closed.append("inner")  # type: ignore[method-assign]
    with use_context(outer):
        with pytest.raises(ValueError, match="no"), use_context(inner):
            fail_in(inner)
        assert closed == ["inner"]
        assert get_context() is outer
    assert closed == ["inner", "outer"]
    with pytest.raises(LookupError):
        get_context()


def test_outside_of_a_run_there_is_no_context() -> None:
    with pytest.raises(LookupError):
        get_context()


def test_only_a_run_that_makes_a_dataset_has_a_dataset_s_parameters(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    assert context.dataset_params == BuildDatasetParams()
    context = replace(context, params=BuildToolsetParams())
    with pytest.raises(AssertionError):
        _ = context.dataset_params
