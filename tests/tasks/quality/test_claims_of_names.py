"""Names, ids, quotations and addresses in a response are those that were said; what reads like one is no claim."""

from typing import Any

import pytest

from tasks.quality.corpus import Corpus
from tasks.quality.response_claims import Grounds, find_ungrounded_claims

BODY = {
    "petName": "Luna",
    "line1_text": None,
    "shelter": "Tierheim Sankt Anna in New York",
    "country": "KR",
    "links": ["https://img.example/luna.jpg", "docs.example.com", "anna@shelter.example"],
    "phone": "+1 202-555-0132",
    "code": "pet_4821",
    "car": "XC60",
    "note": "a very playful one",
    "arrived": "2026-03-04",
    "open": "15:30",
    "since": 2020,
}


def find(text: str, body: Any = BODY, vocabulary: str = "") -> list[str]:
    corpus = Corpus()
    corpus.add_json(body)
    return find_ungrounded_claims(text, corpus, Grounds(corpus, frozenset(vocabulary.split())))


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("see https://img.example/luna.jpg.", []),
        ("see HTTPS://img.example/luna.jpg, please", []),
        ("see https://img.example/milo.jpg, please", ["https://img.example/milo.jpg"]),
        ("see (https://img.example/milo.jpg)", ["https://img.example/milo.jpg"]),
        ("see https://Other.example/Rex?id=77!", ["https://Other.example/Rex?id=77"]),
        ("see www.luna.example:", ["www.luna.example"]),
        ("write to anna@shelter.example;", []),
        ("write to Otto@shelter.example", ["Otto@shelter.example"]),
        ("at docs.example.com", []),
        ("at docs.example.org", ["docs.example.org"]),
        ("and so on, e.g. this.", []),
        ("the end.then more", ["end.then"]),
        ("a/b.c/d", []),
    ],
)
def test_an_address_is_one_that_was_said(text: str, claims: list[str]) -> None:
    assert find(text) == claims


@pytest.mark.parametrize("quote", ["“{}”", '"{}"', "`{}`", "'{}'", "('{}')"])
def test_a_quotation_is_said_as_it_stands_or_in_its_words(quote: str) -> None:
    assert find(f"it is {quote.format('very playful')} here") == []
    assert find(f"it is {quote.format('Very playful!')} here") == []
    assert find(f"it is {quote.format('playful and very')} here") == []
    assert find(f"it is {quote.format('very shy')} here") == ["very shy"]
    assert find(f"it is {quote.format('Luna, playful')} here") == []
    assert find(f"it is {quote.format('Rex')} here") == ["Rex"]


def test_an_apostrophe_opens_no_quotation() -> None:
    assert find("the dogs' home isn't far, it's Luna's, and 'tis good") == []


def test_a_quoted_word_of_the_apis_own_is_none() -> None:
    assert find('a "breed" of its own', vocabulary="breed") == []
    assert find('a "breed" of its own') == ["breed"]
    assert find('a "breed Rex" of its own', vocabulary="breed") == ["breed Rex"]
    assert find('a "breed" of "Rex"', vocabulary="breed") == ["Rex"]


def test_what_a_quotation_holds_is_not_read_again() -> None:
    assert find('the "Rex Max 7" is') == ["Rex Max 7"]
    assert find('since "2026-03-04T00:00:00Z"') == []


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("came on 4 March 2026", []),
        ("came on 5 March 2026.", ["5 March 2026"]),
        ("came on 1 March 2026", ["1 March 2026"]),
        ("came in March 2026", []),
        ("came in April 2026", ["April 2026"]),
        ("came on 03/04/2026", []),
        ("open at 3:30 pm", []),
        ("open at 4:30 pm, say", ["4:30 pm"]),
        ("open at noon", ["noon"]),
        ("open at 3:30", []),
        ("came on 4 March 2026, and 5 March 2026, at 15:31", ["5 March 2026", "15:31"]),
    ],
)
def test_a_moment_is_one_that_was_said(text: str, claims: list[str]) -> None:
    assert find(text) == claims


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("call +1 202-555-0132", []),
        ("call +1 (202) 555-0132", []),
        ("call 202-555-0132", []),
        ("call +1 202-555-0133", ["+1 202-555-0133"]),
        ("call (202) 555-0133", ["(202) 555-0133"]),
        ("call 202-555-0133", ["202-555-0133"]),
        ("call +4930-1234567", ["+4930-1234567"]),
        ("call 1202-5550132", []),
        ("call 1202-5550133", ["1202", "5550133"]),
        ("call 555-0132", []),
        ("call 556-0133", ["556", "0133"]),
    ],
)
def test_a_telephone_number_is_one_that_was_said(text: str, claims: list[str]) -> None:
    assert find(text) == claims


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("its id is pet_4821", []),
        ("its id is pet_4822", ["pet_4822"]),
        ("its id is ab_cd", ["ab_cd"]),
        ("its id is a1b2c3", ["a1b2c3"]),
        ("its id is 5.11.9", ["5.11.9"]),
        ("its id is someThing", ["someThing"]),
        ("a well-known half-brother", []),
        ("a Luna-like X-ray", []),
        ("the petName is", []),
        ("the pet-Name is", []),
        ("the pet_name is", []),
        ("a well-known, 2020km long pet_4822", ["pet_4822"]),
        ("an iPhone, an aBc", ["iPhone", "aBc"]),
        ("so Luna.rex", []),
        ("so a.b.c it is", []),
        ("its pet_Rex", ["pet_Rex"]),
        ("in mid-x5", ["mid-x5"]),
        ("USB it is", []),
        ("the line1_text", []),
        ("the line2_text", ["line2_text"]),
        ("an XC60", []),
        ("an xc61", ["xc61"]),
        ("it has 12km to go", ["12km"]),
        ("it has 2020km to go", []),
        ("a 2020-model", []),
        ("in mid-2020", []),
        ("in mid-2021", ["mid-2021"]),
        ("in Mid-2020", ["Mid-2020"]),
        ("at 2020_2020", ["2020_2020"]),
        ("the 2020s", []),
        ("#2020a", ["2020a"]),
        ("the apiUrl", ["apiUrl"]),
        ("ids, IDs, URLs and PDFs", []),
    ],
)
def test_a_code_is_one_that_was_said(text: str, claims: list[str]) -> None:
    assert find(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "so Luna is there",
        "so The dog is",
        "so Luna's is there, Lunas’ too",
        "so **Luna**, *Luna* and __Luna__ it is",
        "She is there. Nice is it! Good? Yes… Fine\nWell",
        "so it is (Fine it is, or not)",
        "Big Old Kennel: here",
        "- Colour: Bright red",
        "I think I'm right, I’d say, I",
        "on Monday, in May, in English, OK, Mr X",
        "as JSON, on TV, in UTC, an ID",
        "- Great that it is so\n* Fine by me",
        "so: There it is; Then it goes",
        "in New York, York",
        "in South Korea",
        "in the Republic of Korea",
        "Name: Luna\n- Home Town: New York\n2. Breed of dog: Luna\n> Age: 7",
        "so it is, Size: big; Colour: red (Weight: low)",
        "the Shelter and the Country",
        "the PetName",
        "a lower case rex",
    ],
)
def test_what_names_what_was_said_or_nothing_is_no_claim(text: str) -> None:
    assert find(text.replace("7", "2020")) == []


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("so Rex is there", ["Rex"]),
        ("so Rex's is there, Rex’s too", ["Rex"]),
        ("so **Rex**, *Max* and __Tom__ it is", ["Rex", "Max", "Tom"]),
        ("Fine, Rex", ["Rex"]),
        ("so (Fine it is), Rex", ["Rex"]),
        ("So it is. But Rex is not", ["Rex"]),
        ("- Rex, Max", ["Rex", "Max"]),
        ("- Rex", ["Rex"]),
        ("so: Rex", ["Rex"]),
        ("so (Rex) is", ["Rex"]),
        ("Name: Rex", ["Rex"]),
        ("Big Old Sad Kennel: here", ["Old", "Sad", "Kennel"]),
        ("the Kennel: big", ["Kennel"]),
        ("in North Korea", ["North"]),
        ("in New Orleans", ["Orleans"]),
        ("the Republic of Rex", ["Republic", "Rex"]),
        ("Luna Rex", ["Rex"]),
        ("Luna-Rex", ["Rex"]),
        ("an Élan, a Ωmega", ["Élan", "Ωmega"]),
        ("at O'Brien's", ["O'Brien"]),
        ("at D'Anna", ["D'Anna"]),
        ("The Rex: here", ["Rex"]),
        ("a USB", ["USB"]),
        ("a B", []),
        ("an Al", ["Al"]),
    ],
)
def test_another_name_is_made_up(text: str, claims: list[str]) -> None:
    assert find(text) == claims


def test_a_name_of_two_words_stands_for_a_code() -> None:
    assert find("so in Ivory Coast it is", {"country": "CI"}) == []
    assert find("so in Amber Coast it is", {"country": "CI"}) == ["Amber", "Coast"]


def test_the_words_of_the_api_name_nothing() -> None:
    assert find("with Zoo World", vocabulary="zoo world") == []
    assert find("with Zoo World", vocabulary="zoo") == ["World"]


def test_an_empty_text_states_nothing() -> None:
    assert find("") == find(" \n") == []
