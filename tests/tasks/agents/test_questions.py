"""A question without a question mark is one; an offer and an announcement are none."""

import pytest

from tasks.agents.questions import asks_user


@pytest.mark.parametrize(
    "text",
    [
        "In which city?",
        "Please tell me the city.",
        "Could you provide the name of the pet.",
        "Can you please specify which shelter you mean.",
        "Let me know which one you want.",
        "let me know the date and I go on.",
        "Tell me what it should be called.",
        "I need the city to go on.",
        "To look it up I'll need your order number.",
        "I still need to know where you live.",
        "I would need you to confirm the date.",
        "Sure. Which city do you mean.",
        "What is the name of the pet.",
        "How many pets should I show.",
        "Do you want dogs or cats.",
        "Should I go on",
        "Please provide:\n- the city\n- the date",
        "I found two. Please choose one of them:\n1. Luna\n2. Milo",
    ],
)
def test_the_user_is_asked(text: str) -> None:
    assert asks_user(text)


@pytest.mark.parametrize(
    "text",
    [
        "There are 3 pets in Lyon: Luna, Milo and Juniper.",
        "Let me know if you need more.",
        "Tell me if you want to know more.",
        "Please let me know if there is anything else.",
        "Please tell me if that helps.",
        "I can also tell you what it costs.",
        "I needed two calls for that.",
        "The pet that I found is Luna, which is a Beagle.",
        "What you asked for is on its way.",
        "What was found is the pet of the year.",
        "When I looked, there were 3.",
        "How it works: one call, then another.",
        "I'm sorry, but none of the functions I have can do that.",
        "That is outside of what I can do here. My functions let me look up a pet.",
        "Feel free to ask for more.",
        "The shelter will give you a date.",
        "",
    ],
)
def test_nobody_is(text: str) -> None:
    assert not asks_user(text)
