"""A value is traced as a person would trace it: another spelling is the same value, another value is not."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.openapi.free_leaves import find_free_leaves
from tasks.quality.arguments import is_argument_grounded
from tasks.quality.corpus import Corpus
from tasks.quality.grounding import is_value_grounded
from tests.tasks.quality.saying import hear, receive


def is_said(value: Any, text: str) -> bool:
    return is_argument_grounded(value, hear(text))


def is_returned(value: Any, body: Any) -> bool:
    return is_argument_grounded(value, receive(body))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("brute-force", 'categorise it as "brute force"'),
        ("bruteForce", "a brute-force attack"),
        ("São Paulo", "the weather in sao paulo"),
        ("habitat", "facts about habitats"),
        ("children", "books for a child"),
        ("GOLD,BTC", "quotes for gold and BTC"),
        ("EUR/USD", "from euros to dollars"),
        ("wild axolotl", "an axolotl that is wild"),
        ("Tokyo", "is it raining in Tokyo?"),
        (3, "the first three"),
        (3, "on the 3rd"),
        (12, "a dozen eggs"),
        (25, "twenty-five people"),
        (1250000, "1.25 million"),
        (5000, "about 5k"),
        (0.5, "a discount of 50%"),
        ("1000", "1,000 euros"),
        (37, "verses 35 to 39"),
        (-33.87, "33.87 degrees south"),
        (3, "in March 2026"),
        ("2026-03-03", "on 3 March 2026"),
        ("2026-03-03", "March 3rd, 2026"),
        ("2026-03-03T15:30:00Z", "3 March 2026 at 3:30 pm"),
        ("2026-12-31", "during 2026"),
        ("03/03/2026", "2026-03-03T10:00:00"),
        ("2026-03", "in March 2026"),
        ("15:00", "at 3 p.m."),
        ("12:00", "at noon"),
        (1772496000, "2026-03-03"),
        ("France", "country FR, please"),
        ("GB", "a bank holiday in the UK"),
        ("JPY", "1000 US dollars in Japanese yen"),
        ("USD", "I have $20"),
        ("it", "in Italian, please"),
        ("de-DE", "in German"),
    ],
)
def test_another_spelling_is_the_same_value(value: Any, text: str) -> None:
    assert is_said(value, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "15 apples and 0.5 litres, room B15"),
        ("5", "15 apples, user5x"),
        ("pet_482", "pet_4821"),
        ("IT", "is it raining?"),
        ("in", "flats in Paris"),
        ("Paris, France", "a flat in Paris"),
        ("2026-03-04", "on 3 March 2026"),
        ("2025-03-03", "on 3 March 2026"),
        ("2026-03-03", "on 3 March"),
        ("2026-03-15", "in March 2026"),
        ("16:30", "at 3:30"),
        ("FR", "restaurants in Germany"),
        (33.87, "-33.87"),
        ("rain", "trains to Paris"),
        ("John Smith", "John Doe"),
    ],
)
def test_another_value_is_not(value: Any, text: str) -> None:
    assert not is_said(value, text)


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        ("", "anything", True),
        ("  ", "anything", True),
        ("?!", "Really ?!", True),
        (" ?! ", "Really?!", True),
        ("?!", "Really?", False),
        ("New%20York", "in New York", True),
        ("New%20York", "in Newark", False),
        ("100%", "at 100%", True),
        ("007", "agent 7", False),
        ("007", "agent 007", True),
        (" 007", "agent 7", False),
        ("7", "agent 007", True),
        ("0", "0 of them", True),
        ("0.5", "a half, .5", False),
        ("0.5", "0.50 of it", True),
        ("0.5", "50% of it", True),
        ("50%", "0.5 of it", True),
        ("50%", "5 of it", False),
        ("-5", "minus 5", True),
        ("5", "five", True),
        ("third", "3 of them", True),
        ("third", "4 of them", False),
        ("quiet hotel", "a QUIET hotel!", True),
        ("quiet hotel", "a hotel, quiet", False),
        ("brute-force", "brute force", True),
        ("bruteForce", "brute force", True),
        ("dogsHome", "a dogs home", True),
        ("dogsHome", "a dog at home", False),
        ("v2Id", "the v2 id", True),
        ("a-b-c", "abc", False),
        ("ab-cd", "abcd", True),
        ("東京", "東京の天気", True),
        ("東京", "京東の天気", False),
        ("東京Tower", "東京towerの", True),
        ("caf", "cafés", False),
    ],
)
def test_a_string_is_one_value_however_it_is_spelled(value: str, text: str, grounded: bool) -> None:
    assert is_value_grounded(value, hear("Hello", text)) is grounded


def test_nothing_is_grounded_in_nothing() -> None:
    assert is_value_grounded(" ", Corpus())
    assert not is_value_grounded("?!", Corpus())
    assert not is_value_grounded("Lyon", Corpus())


def test_values_of_an_answer_do_not_run_into_each_other() -> None:
    body = {"first": "John", "last": "Smith", "ids": ["a1", "b2"], "n": 7}
    assert is_returned("b2", body)
    assert is_returned("7", body)
    assert not is_returned("a1 b2", body)


def test_the_path_of_an_ungrounded_value_is_told() -> None:
    corpus = hear("blue and green")
    schema = {"properties": {"colors": {"type": "array", "items": {"enum": ["red"]}}, "size": {"default": 4}}}
    arguments = {"colors": ["red", "blue", "pink"], "size": 4, "deep": {"note": "unsaid", "empty": "", "none": None}}
    found = [leaf for leaf in find_free_leaves("", arguments, [schema]) if not is_argument_grounded(leaf[1], corpus)]
    assert found == [("colors[2]", "pink"), ("deep.note", "unsaid")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The failed login attempts on the server were many and annoying", True),
        ("The failed login attempts on the server of Globex were many", False),
        ("The 12 failed login attempts on the server were many", False),
    ],
)
def test_a_text_that_the_assistant_wrote_must_invent_no_value(text: str, said: bool) -> None:
    assert is_said(text, "report many failed and annoying login attempts on our server") is said


SPELLINGS = ("{:,}", "{}", "{}.0", "{} apples", "${:,}.", "({:,})", "no. {}", "{:,}%")


@given(st.integers(0, 10**9), st.sampled_from(SPELLINGS))
def test_a_whole_number_is_found_in_any_spelling_and_no_other_is(number: int, spelling: str) -> None:
    text = "I need " + spelling.format(number) + " now"
    assert is_said(number, text)
    assert is_said(str(number), text)
    assert is_said(float(number), text)
    assert not is_said(number + 1, text)
    assert not is_said(number * 10 + 7, text)


@given(st.decimals(min_value=1, max_value=10**6, places=2))
def test_a_decimal_is_found_and_an_altered_one_is_not(number: Any) -> None:
    assert is_said(float(number), f"it costs €{number:,} a month")
    assert not is_said(round(float(number) + 0.01, 2), f"it costs €{number:,} a month")


DATE_FORMS = (
    "%Y-%m-%d",
    "%d %B %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%A, %d %B %Y",
    "%Y-%m-%dT08:00:00Z",
    "the %dth of %B, %Y",
)

DAY_FORMS = tuple(form for form in DATE_FORMS if "T" not in form)


@given(st.dates(dt.date(1950, 1, 1), dt.date(2068, 12, 31)), st.sampled_from(DATE_FORMS), st.sampled_from(DAY_FORMS))
def test_a_date_is_found_in_any_form_and_the_day_before_is_not(day: dt.date, said: str, asked: str) -> None:
    text = f"from {day.strftime(said)} on"
    assert is_said(day.strftime(asked), text)
    before = day - dt.timedelta(days=1)
    is_edge = before.month != day.month or before.day == 1
    is_swapped = (before.day, before.month) == (day.month, day.day)
    if not (is_edge or is_swapped):
        assert not is_said(before.strftime("%Y-%m-%d"), text)


@given(st.times(), st.sampled_from(("%H:%M", "%I:%M %p", "%I:%M%p", "%H:%M:%S")))
def test_a_time_is_found_in_any_form(time: dt.time, form: str) -> None:
    assert is_said(time.strftime("%H:%M"), f"at {time.strftime(form)} sharp")
