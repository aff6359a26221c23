"""What goes back to a model names one place and what to put there, in plain words."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tasks.teacher.remedies import describe_problem


class Toy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field("x", min_length=1, max_length=3)
    colour: Literal["red", "blue"] = "red"
    count: int = 1
    weight: float = 1.0
    soft: bool = True
    parts: tuple[str, ...] = Field((), min_length=0, max_length=2)
    box: dict[str, Any] = {}
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _be_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("write an odd number")
        return value


class Shelf(BaseModel):
    toys: list[Toy]


def describe(**told: Any) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        Shelf.model_validate({"toys": [told]})
    return [describe_problem(problem) for problem in raised.value.errors(include_url=False)]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"name": 7}, "toys.0.name: write a text, not 7"),
        ({"name": ""}, 'toys.0.name: it is empty; write it out, not ""'),
        ({"name": "long"}, 'toys.0.name: write at most 3 characters, not "long"'),
        ({"colour": "green"}, "toys.0.colour: write one of 'red' or 'blue', not \"green\""),
        ({"count": "many"}, 'toys.0.count: write a whole number, not "many"'),
        ({"count": 1.5}, "toys.0.count: write a whole number, not 1.5"),
        ({"weight": "heavy"}, 'toys.0.weight: write a number, not "heavy"'),
        ({"soft": "perhaps"}, 'toys.0.soft: write true or false, not "perhaps"'),
        ({"parts": "wheel"}, 'toys.0.parts: write a list, not "wheel"'),
        ({"parts": ["a", "b", "c"]}, "toys.0.parts: give at most 2, not 3"),
        ({"box": "big"}, 'toys.0.box: write an object, not "big"'),
        ({"odd": 2}, "toys.0.odd: write an odd number, not 2"),
        ({"price": 1}, "toys.0.price: nobody asked for it; leave it out, not 1"),
    ],
)
def test_a_problem_names_its_place_and_its_remedy(told: dict[str, Any], line: str) -> None:
    assert describe(**told) == [line]


def test_what_is_missing_is_to_be_added() -> None:
    with pytest.raises(ValidationError) as raised:
        Shelf.model_validate({})
    assert [describe_problem(problem) for problem in raised.value.errors()] == ["toys: it is missing; add it"]


def test_what_is_no_object_is_to_be_one() -> None:
    with pytest.raises(ValidationError) as raised:
        Shelf.model_validate(7)
    assert [describe_problem(problem) for problem in raised.value.errors()] == ["the object: write an object, not 7"]


def test_several_problems_are_a_line_each() -> None:
    assert len(describe(name=7, count="many")) == 2
