"""Instructions do not repeat each other and do not name their API."""

import pytest

from tasks.quality.wording import is_repeated, names_api


def test_repetition_is_seen_through_case_and_punctuation() -> None:
    earlier = ["Find a quiet hotel near the river in Lyon for two nights"]
    assert is_repeated("find a quiet hotel near the river in lyon, for two nights!", earlier)
    assert is_repeated("Find a quiet hotel near the river in Lyon for two nights please", earlier)
    assert not is_repeated("Is there a quiet hotel in Lyon?", earlier)
    assert not is_repeated("Is there a quiet hotel in Lyon?", [])


def test_a_text_is_repeated_only_above_the_threshold_and_by_any_earlier_one() -> None:
    words = ["Find", "a", "quiet", "hotel", "near", "the", "river", "in", "Lyon"]
    five, six, seven, eight = (" ".join(words[:count]) for count in (5, 6, 7, 8))
    assert not is_repeated(six, [five])  # 3 of 4 shingles
    assert not is_repeated(seven, [six])  # 4 of 5, which is 0.8
    assert is_repeated(eight, [seven])  # 5 of 6
    assert is_repeated(seven, [eight])
    assert is_repeated(eight, ["Something else", seven, "And another thing"])
    assert is_repeated("FIND a quiet", ["And another thing", "find, a quiet?"])
    assert not is_repeated("find a", ["find a quiet"])


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
        ("ask unhcr for figures", "UNHCR"),
        ("is it on petfinders?", "Petfinders"),
        ("is it on petfinders?", "The Petfinders API"),
        ("is it on 9gag?", "9gag"),
        ("is it on web2?", "Web2 APIs"),
        ("is it on thedogapi?", "TheDogAPI"),
        ("Is it on DogFacts?", "Dog Facts"),
        ("Is it on _Dog-Facts_?", "Dog Facts"),
        ("Dog Facts are on today", "Dog Facts"),
        ("Well, Weather it is", "Weather"),
        ("Größe, Straße, ﬁn: ask Weather for it", "Weather"),
        ("No weather. Ask Weather.", "Weather"),
        ("e\u0301" * 10 + " ask Weather now", "Weather"),
        ("is it on itunes?", "iTunes"),
        ("is it on ebay?", "eBay"),
        ("Hm. Dog Facts it is", "Dog Facts"),
        ("Ask Cats and Facts for it", "Cats and Facts"),
        ("Show me the Dog of the day", "The Dog API"),
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
        ("what does nasa say", "NASA"),
        ("is it on petfinder?", "Petfinder"),
        ("see the dog encyclopedia", "Dog Encyclopedia"),
        ("see encyclopedia facts", "Encyclopedia Facts"),
        ("Ask Cats with Facts for it", "Cats with Facts"),
        ("Ask Dog facts for it", "Dog Facts"),
        ("Ask horse Facts for it", "Horse Facts"),
        ("Two Hotdog Facts", "Dog Facts"),
        ("Two Dog Factsheets", "Dog Facts"),
        ("Two Facts on a Dog", "Dog Facts"),
        ("Use The API", "The APIs"),
        ("Ask the fact for it", "Dog Facts"),
        ("Hm. Weather in Rome?", "Weather"),
        ("Hm! Weather in Rome?", "Weather"),
        ("Hm? Weather in Rome?", "Weather"),
        ("One thing: Weather in Rome", "Weather"),
        ("One thing; Weather in Rome", "Weather"),
        ("One thing\nWeather in Rome", "Weather"),
        ("I ask “Weather in Rome”", "Weather"),
        ('I ask "Weather in Rome"', "Weather"),
        ("I ask (Weather in Rome)", "Weather"),
        ("*Weather in Rome*", "Weather"),
        ("Hm. 'Weather in Rome'", "Weather"),
        ("Größe. Weather in Rome", "Weather"),
        ("", "Weather"),
        ("Hm. Cat fax it is", "Cat Fax"),
        ("Anything", ""),
        ("Anything", "The.API"),
    ],
)
def test_ordinary_words_name_nothing(text: str, name: str) -> None:
    assert not names_api(text, name)
