"""Names as words: which can stand after an article."""

import pytest

from tasks.embedded.naming import reads_as_noun, with_article


@pytest.mark.parametrize("words", ["birth date", "breed", "wind speed", "age years", "city", "one"])
def test_a_noun_can_stand_after_an_article(words: str) -> None:
    assert reads_as_noun(words)


@pytest.mark.parametrize("words", ["joined on", "has logo", "verified", "rank by", "since", "last used"])
def test_what_is_no_noun_cannot(words: str) -> None:
    assert not reads_as_noun(words)


@pytest.mark.parametrize(("noun", "expected"), [("hour", "an hour"), ("user", "a user"), ("SMS", "an SMS")])
def test_the_article_goes_by_sound(noun: str, expected: str) -> None:
    assert with_article(noun) == expected
