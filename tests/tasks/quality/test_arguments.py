"""An argument is traced whole, or by its parts."""

from typing import Any

import pytest

from tasks.quality.arguments import is_argument_grounded
from tasks.quality.corpus import Corpus
from tests.tasks.quality.saying import hear


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        (5, "five cats", True),
        (5, "four cats", False),
        ("gold,silver", "silver and gold", True),
        ("gold, silver", "silver and gold", True),
        ("gold;silver", "silver or gold", True),
        ("gold|silver", "silver or gold", True),
        ("gold & silver", "silver or gold", True),
        ("gold+silver", "silver or gold", True),
        ("gold/silver", "silver or gold", True),
        ("gold and silver", "silver or gold", True),
        ("gold,silver,tin", "silver or gold", False),
        ("gold,", "silver", False),
        ("5,", "five cats", False),
        ("gold, ,silver", "silver or gold", True),
        ("gold:silver", "silver or gold", False),
        ("sandgold", "s gold", False),
        ("http://gold/silver", "http silver or gold", False),
        ("https://a.example/b", "at a.example is https or b", False),
        ("wild axolotl", "an axolotl that is wild", True),
        ("the wild axolotl", "an axolotl that is wild", True),
        ("wild axolotl", "a tame axolotl", False),
        ("wild-axolotl", "an axolotl that is wild", False),
        ("the wild", "wilderness", False),
        ("the axolotl", "axolotl", False),
        ("in the", "the house in Rome", False),
    ],
)
def test_a_list_is_grounded_where_its_parts_are_and_words_of_a_message_in_any_order(
    value: Any, text: str, grounded: bool
) -> None:
    assert is_argument_grounded(value, hear("Hello", text)) is grounded


def test_words_in_another_order_must_come_from_one_message_of_the_users() -> None:
    assert not is_argument_grounded("wild axolotl", hear("an axolotl", "that is wild"))
    corpus = Corpus()
    corpus.add_json({"text": "an axolotl that is wild"})
    assert not is_argument_grounded("wild axolotl", corpus)
    assert is_argument_grounded("axolotl, wild", corpus)


@pytest.mark.parametrize(
    ("text", "grounded"),
    [
        ("the door of the barn is red and tall", True),  # 9 words: door, barn, red known; tall not
        ("the door of the barn is red", False),  # 7 words
        ("the door of the barn is red tall", True),  # 8 words
        ("the door of the barn is red, tall, wide", True),  # 3 of 5
        ("the door of the barn is tall, wide, open", False),  # 2 of 5
        ("the door of the barn is red, tall, wide, open", False),  # 3 of 6
        ("the door of the barn is red for Globex", False),
        ("the door of the barn is red and has 12", False),
        ("the door of the barn is red for ANNA", True),
    ],
)
def test_a_text_of_eight_words_is_grounded_where_most_words_and_all_claims_are(text: str, grounded: bool) -> None:
    corpus = hear("Anna says: red is our barn", "and the old door")
    assert is_argument_grounded(text, corpus) is grounded
