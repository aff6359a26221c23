"""A response may say what was returned in its own words; it may not make anything up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reasons import Reason
from tasks.quality.checks import run_check
from tests.tasks.quality.building import LUNA, TOOLSET, build_episode, say, search, user

TEXT = "Which pets under $200 wait for a home in Lyon? My name is Anna."


def find_problem(response: str, text: str = TEXT) -> str:
    get = ("getPet", {"pet_id": "pet_4821"}, 200, LUNA)
    verdict = run_check(Reason.UNGROUNDED_RESPONSE, build_episode(search(), get, say(response), text=text), TOOLSET)
    assert verdict.reason in (None, Reason.UNGROUNDED_RESPONSE)
    return verdict.detail


@pytest.mark.parametrize(
    "response",
    [
        "Hi Anna! I found 3 pets in Lyon:\n1. **Luna** (Beagle, 3 years, $120.50)\n2. **Milo** - Maine Coon, 7 years\n"
        "3. **Juniper** - Beagle, 2 years",
        "There are three pets. Two of them are under $200: Luna and Milo.",
        "Two are Beagles, namely Luna and Juniper; the third, Milo, is a Maine Coon.",
        "Luna weighs 11.46 kg, so about 11.5 kg, and arrived on March 3rd, 2026 (a Tuesday).",
        "Luna weighs roughly 11 kg and came on 03/03/2026.",
        "Here is the picture: https://img.example/luna.jpg. Her id is `pet_4821`.",
        'Her name is "Luna".\n\n- Breed: Beagle\n- Age: 3\n- Weight: 11.4567 kg\n- Photo: https://img.example/luna.jpg',
        "I called getPet for pet_4821 after searchPets on Petfinder; here's the top 2 by age: Milo and Luna.",
        "| Name | Breed |\n|---|---|\n| Luna | Beagle |\n| Milo | Maine Coon |",
        "The cheapest is Milo at 85.00. Luna costs $120.5. Juniper, at $240, is over your $200.",
        "The two cheapest pets are Milo and Luna.",
        "Luna's fee is €120.50. I'm happy to help further!",
        "Unfortunately, only one of the three is a cat. Would you like more details? Just let me know!",
        "In March 2026, Luna came to the shelter. Great news: Luna is still there.",
    ],
)
def test_natural_responses_pass(response: str) -> None:
    assert find_problem(response) == ""


@pytest.mark.parametrize(
    ("response", "claim"),
    [
        ("I found 4 pets in Lyon.", "4"),
        ("I found five pets in Lyon.", "5"),
        ("Luna's fee is $121.50.", "$121.50"),
        ("Luna weighs 11.47 kg.", "11.47"),
        ("The cheapest pet is called Bella.", "Bella"),
        ("- Name: Bella", "Bella"),
        ("Their names are Luna, Milo and Oscar.", "Oscar"),
        ("Its id is pet_4822.", "pet_4822"),
        ("Luna arrived on 4 March 2026.", "4 March 2026"),
        ("See https://img.example/milo.jpg", "https://img.example/milo.jpg"),
        ("Write to shelter@lyon.example.", "shelter@lyon.example"),
        ('The shelter says that she is "very playful".', "very playful"),
        ("Luna is 45% Beagle.", "45%"),
        ("They open at 10:45.", "10:45"),
        ("There are 3 pets in Oslo: Luna, Milo and Juniper.", "Oslo"),
        ("- Luna (Beagle, Oslo)", "Oslo"),
    ],
)
def test_made_up_values_are_found(response: str, claim: str) -> None:
    assert claim in find_problem(response)


@pytest.mark.parametrize("day", ["1 March 2026", "March 31, 2026", "2026-03-01"])
def test_the_first_and_last_day_of_a_month_that_was_said_are_made_up_in_a_response(day: str) -> None:
    """A search may begin or end there; that something happened there is another matter."""
    assert day in find_problem(f"Luna arrived on {day}.", text="Which pets that came in March 2026 are in Lyon?")


def test_what_the_user_answered_is_grounded() -> None:
    steps = (say("In which city?"), user("In Villeurbanne, with up to 4 kids"), search("Villeurbanne"))
    good = build_episode(*steps, say("For a home in Villeurbanne with 4 kids, Luna is the one."))
    assert run_check(Reason.UNGROUNDED_RESPONSE, good, TOOLSET).keep


@given(st.floats(1, 10**6, allow_nan=False), st.integers(0, 3))
def test_rounded_numbers_pass_and_altered_ones_fail(value: float, digits: int) -> None:
    exact = round(value, 6)
    body = {"pets": [{"name": "Luna", "weight": exact}]}
    step = ("searchPets", {"city": "Lyon"}, 200, body)

    def passes(number: float) -> bool:
        episode = build_episode(step, say(f"Luna weighs {number:.{digits}f} grams."))
        return run_check(Reason.UNGROUNDED_RESPONSE, episode, TOOLSET).keep

    assert passes(exact)
    assert not passes(exact + 13 * 10**-digits)


CODES = {
    "mac": "0c:e2:c0:a0:48:28",
    "phone": "+1-202-555-0132",
    "color": "#01cfae",
    "version": "5.11.9",
    "ip": "203.0.113.75",
    "uuid": "09ff9897-03b5-4002-b409-da4216dbaf2d",
    "place": "40.5865,-122.3917",
    "domain": "docs.example.com",
    "moment": "2027-07-16T08:15:00Z",
    "price": 1786.07,
}


@pytest.mark.parametrize("name", CODES)
def test_codes_are_told_apart_to_the_last_digit(name: str) -> None:
    value = str(CODES[name])
    step = ("searchPets", {"city": "Lyon"}, 200, CODES)

    def passes(said: str) -> bool:
        return run_check(
            Reason.UNGROUNDED_RESPONSE, build_episode(step, say(f"It is {said} (as returned).")), TOOLSET
        ).keep

    assert passes(value)
    for place, char in enumerate(value):
        if char.isdigit() and value[place : place + 2] != "00":
            assert not passes(f"{value[:place]}{(int(char) + 7) % 10}{value[place + 1 :]}")


def test_a_year_inside_a_date_does_not_ground_the_first_of_january() -> None:
    text = "Which pets in Lyon arrived on 1 July 2026?"
    good, bad = (build_episode(search(arrived_after=day), text=text) for day in ("2026-07-01", "2026-01-01"))
    assert run_check(Reason.UNGROUNDED_ARGUMENT, good, TOOLSET).keep
    assert run_check(Reason.UNGROUNDED_ARGUMENT, bad, TOOLSET).reason is Reason.UNGROUNDED_ARGUMENT
