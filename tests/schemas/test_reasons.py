"""Reason codes: each says in one line when it applies."""

import pytest

from schemas.reasons import DESCRIPTIONS, Reason


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_says_in_one_line_when_it_applies(reason: Reason) -> None:
    assert DESCRIPTIONS[reason].strip()
    assert "\n" not in DESCRIPTIONS[reason]
