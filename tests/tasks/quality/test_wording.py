"""Instructions do not repeat each other and do not name their API."""

import pytest

from tasks.quality.wording import is_repeated, names_api


def test_repetition_is_seen_through_case_and_punctuation() -> None:
    earlier = ["Find a quiet hotel near the river in Lyon for two nights"]
    assert is_repeated("find a quiet hotel near the river in lyon, for two nights!", earlier)
    assert is_repeated("Find a quiet hotel near the river in Lyon for two nights please", earlier)
    assert not is_repeated("Is there a quiet hotel in Lyon?", earlier)
    assert not is_repeated("Is there a quiet hotel in Lyon?", [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Use Spotify to find a song", "Spotify"),
        ("Can the Dog Facts service tell me one?", "Dog Facts"),
        ("look it up with aniapi please", "AniAPI"),
        ("search nager.date for holidays", "Nager.Date"),
        ("what does icanhazdadjoke say today", "icanhazdadjoke"),
        ("Ask 7timer about Rome", "7Timer!"),
        ("From A Bíblia Digital, read Job 3", "A Bíblia Digital"),
        ("Ask NASA for a picture", "NASA"),
    ],
)
def test_names_are_found(text: str, name: str) -> None:
    assert names_api(text, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("How is the weather in Rome?", "Weather"),
        ("Weather in Rome, please", "Weather API"),
        ("Tell me some dog facts", "Dog Facts"),
        ("I like the spotifying of things", "Spotify"),
        ("Use the API to find it", "API"),
        ("Where is the iss now?", "ISS"),
    ],
)
def test_ordinary_words_name_nothing(text: str, name: str) -> None:
    assert not names_api(text, name)
