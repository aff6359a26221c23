"""Codes and names are traced by what else they are called, and English words are no codes by accident."""

import pytest

from tasks.quality.grounding import is_value_grounded
from tests.tasks.quality.saying import hear, receive


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        ("FR", "restaurants in France", True),
        ("fr", "restaurants in France", True),
        ("FR", "texts in French", True),
        ("FR", "restaurants in Germany", False),
        ("FRA", "restaurants in France", True),
        ("FRA", "in the country FR", True),
        ("FRA", "in the country DE", False),
        ("FR", "in the country FRA", True),
        ("USD", "in the country US", False),
        ("France", "in the country FR", True),
        ("France", "in the country DE", False),
        ("France", "in fr", False),
        ("French", "in the language 'fr'", True),
        ("Holland", "in the Netherlands", True),
        ("Netherlands", "from Holland", True),
        ("Holland", "from Belgium", False),
        ("USA", "in America", True),
        ("America", "in the U.S.", True),
        ("de-DE", "in German", True),
        ("de_AT", "in German", True),
        ("de-DE", "in French", False),
        ("de-DEU", "in German", False),
        ("euro", "how many EUR", True),
        ("EUR", "how many euros", True),
        ("EUR", "it costs €20", True),
        ("EUR", "it costs $20", False),
        ("USD", "it costs $20", True),
        ("usd", "it costs $20", False),
        ("GBP", "it costs £20", True),
        ("CAD", "it costs $20", False),
        ("CAD", "it costs CA$20", True),
        ("XYZ", "it costs $20", False),
        ("US", "it costs $20", False),
        ("A1B", "gate XA1BX", False),
        ("DE-AT", "gate XDE-ATX", False),
        ("Lyon", "in France", False),
    ],
)
def test_a_code_is_said_by_name_and_a_name_by_code(value: str, text: str, grounded: bool) -> None:
    assert is_value_grounded(value, hear("Hello", text)) is grounded


def test_a_code_in_lower_case_is_a_value_of_an_answer() -> None:
    assert is_value_grounded("French", receive({"lang": "fr"}))
    assert not is_value_grounded("French", receive({"lang": "de"}))


WORDS = (
    "ad al am an as at be by can do es get he id in is it la ma me my no of oh ok om or pa so to top try us all "
    "and are for not see her"
)


@pytest.mark.parametrize("word", WORDS.split())
def test_an_english_word_is_a_code_only_where_it_is_written_or_called_one(word: str) -> None:
    for value in (word, word.upper(), word.capitalize()):
        assert not is_value_grounded(value, hear(f"so {word} there".replace("so so", "say so")))
        assert is_value_grounded(value, hear(f"in {word.upper()} there"))
        assert is_value_grounded(value, hear(f"the country code {word} there"))
    assert is_value_grounded(word, hear(f"take '{word}' there"))
    assert is_value_grounded(word, receive({"code": word}))


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        ("it", "texts in Italian", True),
        ("IT", "the capital of Italy", True),
        ("IT", "the capital of France", False),
        ("in", "the capital of India", True),
        ("to", "I go to Rome", False),
    ],
)
def test_an_ambiguous_code_may_be_said_by_name(value: str, text: str, grounded: bool) -> None:
    assert is_value_grounded(value, hear(text)) is grounded
