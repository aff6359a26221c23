"""Exceptions on their way to another process: whatever cannot travel as it is says the same as one that can."""

import pickle
from collections.abc import Callable

import httpx2
import openai
import pydantic
import pytest

from schemas.errors import CutOffError, FatalTeacherError, RunStoppedError, UserError, make_portable
from tasks.openapi import DocumentError
from tasks.teacher.sending.retries import EndpointError
from tests.tasks.calls import FussyError, MuteError


class _GrowingError(Exception):
    """One that would say more each time it is made again."""

    def __init__(self, text: str) -> None:
        super().__init__(f"at sea: {text}")


class _TurningError(Exception):
    """One that pickle makes something else of."""

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, ("no exception",)


def refuse_by_validation() -> None:
    pydantic.TypeAdapter(int).validate_python("three")


def refuse_as_the_sdk_does() -> None:
    response = httpx2.Response(401, request=httpx2.Request("POST", "http://localhost/v1"))
    raise openai.AuthenticationError("not you", response=response, body=None)


def nest_too_deep() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    raise ValueError(nested)


@pytest.mark.parametrize(
    "error",
    [UserError("no such file"), CutOffError("cut off"), DocumentError("no paths"), FatalTeacherError("bad key"),
     RunStoppedError("enough", "budget"), EndpointError("busy", status=503, wait_s=2.0),
     KeyError("forgotten"), OSError(28, "no space left")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_can_travel_arrives_as_itself(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(make_portable(error)))
    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


@pytest.mark.parametrize(
    ("fail", "said"),
    [(refuse_by_validation, "ValidationError: 1 validation error for int"),
     (refuse_as_the_sdk_does, "AuthenticationError: not you")],
)  # fmt: skip
def test_what_libraries_raise_arrives_with_its_name_and_text(fail: Callable[[], None], said: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is what is looked at
        fail()
    arrived = pickle.loads(pickle.dumps(make_portable(caught.value)))
    assert said in f"{type(arrived).__name__}: {arrived}"
    assert isinstance(arrived, Exception)


@pytest.mark.parametrize(
    ("error", "said"),
    [(FussyError("a leak", "the bow"), "FussyError: a leak at the bow"),
     (_GrowingError("a leak"), "_GrowingError: at sea: a leak"),
     (_TurningError("a leak"), "_TurningError: a leak"),
     (MuteError(), "MuteError: (what it says cannot be read)"),
     (SystemExit(3), "SystemExit: 3"),
     (GeneratorExit("a panic"), "GeneratorExit: a panic")],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)  # fmt: skip
def test_what_cannot_travel_is_an_error_that_says_what_it_was(error: BaseException, said: str) -> None:
    arrived = pickle.loads(pickle.dumps(make_portable(error)))
    assert (type(arrived), str(arrived)) == (RuntimeError, said)


def test_one_that_holds_too_much_to_be_written_is_no_more_than_its_name() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        nest_too_deep()
    arrived = make_portable(caught.value)
    assert type(arrived) is RuntimeError
    assert str(arrived).startswith("ValueError: ")
    pickle.dumps(arrived)
