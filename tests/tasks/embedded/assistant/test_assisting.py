"""The assistant's turns: each a function of the messages so far."""

import json
from random import Random
from typing import Any

from tasks.embedded.assistant.assisting import Turn, take_turn

Functions = list[dict[str, Any]]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def call(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": "", "tool_calls": [{"id": f"c{number}", "function": function}]}


def result(number: int, status: int, body: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"c{number}", "content": json.dumps({"status": status, "body": body})}


def turn(functions: Functions, *messages: dict[str, Any]) -> Turn:
    return take_turn([{"role": "system", "content": ""}, *messages], functions, Random(0))


def test_it_calls_with_a_thought(functions: Functions) -> None:
    answer = turn(functions, user("Find pets in Lyon."))
    assert answer.calls == (("searchPets", {"city": "Lyon"}),)
    assert answer.content


def test_it_takes_an_id_from_what_came_back(functions: Functions) -> None:
    found = {"pets": [{"id": "p1", "age_years": 3}, {"id": "p2", "age_years": 9}], "total": 2}
    answer = turn(
        functions,
        user("Find pets in Lyon, and then tell me about the pet with the highest age years."),
        call(1, "searchPets", city="Lyon"),
        result(1, 200, found),
    )
    assert answer.calls == (("getPet", {"petId": "p2"}),)


def test_it_answers_from_what_came_back(functions: Functions) -> None:
    answer = turn(functions, user("Count the pets."), call(1, "countPets"), result(1, 200, {"count": 417}))
    assert not answer.calls
    assert "417" in answer.content


def test_it_asks_for_what_is_missing_and_goes_on_with_the_reply(functions: Functions) -> None:
    question = turn(functions, user("Find pets with species dog."))
    assert not question.calls
    assert "?" in question.content
    said = {"role": "assistant", "content": question.content}
    answer = turn(functions, user("Find pets with species dog."), said, user("Oslo, please."))
    assert answer.calls == (("searchPets", {"city": "Oslo", "species": "dog"}),)


def test_it_tries_again_when_the_api_fails_for_a_while(functions: Functions) -> None:
    failed = result(1, 503, {"error": {"code": "unavailable", "message": "try later"}})
    answer = turn(functions, user("Count the pets."), call(1, "countPets"), failed)
    assert answer.calls == (("countPets", {}),)


def test_of_calls_made_together_only_the_one_that_failed_is_made_again(functions: Functions) -> None:
    both: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    for message in (call(1, "countPets"), call(2, "deletePet", petId="pet_4821")):
        both["tool_calls"] += message["tool_calls"]
    request = user("Count the pets, and also delete the pet pet_4821.")
    messages = [request, both, result(1, 503, {}), result(2, 200, {"id": "pet_4821", "deleted": True})]
    assert turn(functions, *messages).calls == (("countPets", {}),)
    answer = turn(functions, *messages, call(3, "countPets"), result(3, 200, {"count": 417}))
    assert not answer.calls
    assert "417" in answer.content


def test_it_gives_up_after_four_failures(functions: Functions) -> None:
    history = [message for n in range(4) for message in (call(n, "countPets"), result(n, 500, {}))]
    answer = turn(functions, user("Count the pets."), *history)
    assert not answer.calls
    assert "error" in answer.content


def test_it_calls_nothing_where_no_function_fits(functions: Functions) -> None:
    answer = turn(functions, user("Order me a pizza."))
    assert not answer.calls
    assert answer.content


def test_it_says_so_when_nothing_was_found(functions: Functions) -> None:
    empty = result(1, 200, {"pets": [], "total": 0})
    messages = (
        user("Find pets in Lyon, and then tell me about the first pet."),
        call(1, "searchPets", city="Lyon"),
        empty,
    )
    answer = turn(functions, *messages)
    assert not answer.calls
    assert "?" not in answer.content
