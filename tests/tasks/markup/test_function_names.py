"""A function's name is found among the marks of a format; another name is another function."""

import pytest

from tasks.markup.function_names import match_function

NAMES = frozenset({"searchPets", "get-pet", "a.b"})


@pytest.mark.parametrize(
    "written",
    ["searchPets", "functions.searchPets", "functions::searchPets", "default_api:searchPets", "default_api.searchPets",
     "pets/searchPets", "searchPets:0", "functions.searchPets:12", "searchPets<|channel|>commentary",
     "searchPets<|constrain|>json", " searchPets ", '"searchPets"', "`searchPets`", "tools.pets.searchPets"],
)  # fmt: skip
def test_marks_do_not_matter(written: str) -> None:
    assert match_function(written, NAMES) == "searchPets"


@pytest.mark.parametrize(
    "written",
    ["", "SearchPets", "search_pets", "searchPet", "searchPetsNow", "searchPets.now", "functions.", "functions.find",
     "searchPets:x", "pet", "b"],
)  # fmt: skip
def test_another_name_is_another_function(written: str) -> None:
    assert match_function(written, NAMES) == ""


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_name_that_there_is_is_taken_as_it_stands(name: str) -> None:
    assert match_function(name, NAMES) == name
