"""What stands where a value should is a placeholder; HTML, links, JSON and what was said are none."""

import pytest

from tasks.markup.placeholders import find_placeholders


def find(text: str, whole: bool = False, said: str = "") -> list[str]:
    return list(find_placeholders(text, lambda part: part in said, whole))


@pytest.mark.parametrize(
    "placeholder",
    [
        "<id>",
        "<your city>",
        "<Pet_ID-2>",
        "<breed>",
        "<bid>",
        "{city}",
        "{{date}}",
        "{ pet.id }",
        "${token}",
        "${{token}}",
        "{_x}",
        "[your name]",
        "[Insert-date here]",
        "[ENTER_code]",
        "[the city]",
        "[user id]",
        "[API key]",
        "YOUR_API_KEY",
        "MY_TOKEN",
        "INSERT_ID_2",
        "ENTER_CODE",
        "your-id-here",
        "your_id",
        "your_api_key",
        "insert-token",
        "enter_pet_name",
        "your-value",
        "your_email",
        "your-city",
        "TODO",
        "TBD",
        "FIXME",
        "PLACEHOLDER",
        "lorem ipsum",
        "Lorem Ipsum",
        "xxx",
        "XXXX",
    ],
)
def test_a_placeholder_is_found_in_a_text_and_as_a_value(placeholder: str) -> None:
    assert find(f"Take {placeholder}, please.") == [placeholder]
    assert find(placeholder) == [placeholder]
    assert find(placeholder, whole=True) == [placeholder]
    assert find(f"a {placeholder}", whole=True) == [placeholder]
    assert find(f"Take {placeholder}.", said=f"I say {placeholder}!") == []


HTML = (
    "a abbr b blockquote br code dd del div dl dt em h1 h6 hr i img ins kbd li mark ol p pre q s small span strong sub "
    "sup table tbody td th thead tr u ul"
)


@pytest.mark.parametrize("tag", HTML.split())
def test_a_tag_of_html_is_none(tag: str) -> None:
    assert find(f"<{tag}>Luna</{tag}>") == []


@pytest.mark.parametrize(
    "text",
    [
        "3 < 4 and 5 > 2",
        "<4>",
        "<" + "a" * 42 + ">",
        "{}",
        '{"name": "Luna"}',
        "{1}",
        "{name: 1}",
        "[a link](https://x.example)",
        "[the city](https://x.example)",
        "[Luna]",
        "[yourself]",
        "[your]",
        "YOUR",
        "MYSELF",
        "your_dog",
        "Your_id",
        "your id",
        "yours-id",
        "your-ideas",
        "todo",
        "TODOS",
        "to be determined",
        "xx",
        "maxxx",
        "xxxl",
        "XXX2",
        "lorem",
        "placeholder",
        "123456",
        "john.doe@example.com",
    ],
)
def test_what_only_looks_like_a_placeholder_passes_in_a_text(text: str) -> None:
    assert find(text) == []


def test_every_placeholder_of_a_text_is_named_but_those_that_were_said() -> None:
    assert find("<id>, {city} and xxx", said="{city}") == ["<id>", "xxx"]


WHOLE = (
    "string integer number boolean placeholder example sample dummy foo bar baz foobar n/a N/A unknown value null none "
    "undefined todo tbd some_id some_value some_name ... … ? ??? - -- _ ___ the_string example_id sample-key "
    "dummy_token test_value fake_name some-string your_text example_city test-email your_user test_id_7 test_id2"
)


@pytest.mark.parametrize("value", [*WHOLE.split(), "the value", "Some Name", "test user 12", "[anything]", "[a b]"])
def test_a_word_for_a_value_is_a_placeholder_where_it_is_the_whole_value(value: str) -> None:
    assert find(value, whole=True) == [value]
    assert find(f" {value}\n", whole=True) == [value]
    assert find(value, whole=True, said=f"the {value}") == []


@pytest.mark.parametrize("value", ["string", "example", "test_id", "[anything]", "...", "unknown"])
def test_it_is_none_inside_a_longer_value_or_in_a_text(value: str) -> None:
    assert find(value) == []
    assert find(f"{value} of pearls", whole=True) == []
    assert find(f"pearls on a {value}", whole=True) == []


@pytest.mark.parametrize(
    "value",
    ["strings", "a string", "examples", "user_test", "test_idea", "tests_id", "[1]", "[a]", "[a[b]]", "id", "7", "a?"],
)
def test_another_value_is_none(value: str) -> None:
    assert find(value, whole=True) == []


def test_a_whole_value_that_was_said_may_still_hold_a_placeholder() -> None:
    assert find("[your name]", whole=True) == ["[your name]"]
    assert find("[a <id>]", whole=True, said="[a <id>]") == []
    assert list(find_placeholders("[a <id>]", lambda text: text == "[a <id>]", whole=True)) == ["<id>"]
