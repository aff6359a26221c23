"""How answers are drawn: what was wished, and what a row says that the endpoint was told."""

import json
from typing import Any

from schemas.calls import ChatRequest, Completion, Usage
from schemas.teacher import TeacherSettings
from tasks.teacher.sampling import describe_sampling, fill_sampling
from tasks.teacher.sending.capabilities import Capabilities, build_body

REQUEST = ChatRequest(messages=({"role": "user", "content": "Hi"},), temperature=0.7, seed=5)


def describe(request: ChatRequest = REQUEST, **answer: Any) -> dict[str, Any]:
    completion = Completion(content="", model="m", usage=Usage(), **answer)
    told: dict[str, Any] = json.loads(describe_sampling(request, completion))
    return told


def test_what_is_not_set_is_the_settings_and_what_is_set_stays() -> None:
    settings = TeacherSettings(model="m", base_url="http://host/v1", temperature=0.1, top_p=0.9)
    filled = fill_sampling(REQUEST, settings)
    assert (filled.temperature, filled.top_p, filled.reasoning_effort) == (0.7, 0.9, None)


def test_a_parameter_is_null_where_it_was_not_set_or_not_taken() -> None:
    assert describe() == {"temperature": 0.7, "top_p": None, "reasoning_effort": None, "seed": 5}
    assert describe(left_out=("seed",)) == {"temperature": 0.7, "top_p": None, "reasoning_effort": None, "seed": None}


def test_the_seed_is_the_one_that_was_sent() -> None:
    another = REQUEST.model_copy(update={"sample": 3})
    assert describe(another)["seed"] == build_body("m", another, Capabilities())["seed"] != 5
    assert describe(sent_seed=77)["seed"] == 77  # after a failure, another draw


def test_what_the_user_puts_into_the_body_goes_before() -> None:
    own = REQUEST.model_copy(update={"extra_body": {"temperature": 1.3, "seed": None, "top_k": 40}})
    assert describe(own, left_out=("temperature",)) == {
        "temperature": 1.3, "top_p": None, "reasoning_effort": None, "seed": None
    }  # fmt: skip
