import pytest
from pydantic import ValidationError

from schemas.instance import Instance
from tests.tasks.datasets.samples import build_row


def test_a_row_is_the_same_after_json() -> None:
    row = build_row()
    assert Instance.model_validate_json(row.model_dump_json()) == row


def test_an_unknown_column_is_an_error() -> None:
    with pytest.raises(ValidationError):
        Instance.model_validate(build_row().model_dump() | {"apl_id": "typo"})


def test_a_conversation_that_ends_with_a_call_has_no_response() -> None:
    row = build_row()
    assert row.model_copy(update={"messages": row.messages[:3]}).response == ""
    assert row.model_copy(update={"messages": ()}).response == ""
