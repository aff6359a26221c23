"""How much the embedded teacher knows, and that its grammar can use all of it."""

import pytest

from tasks.embedded.user import PHRASES
from tasks.embedded.user.planning import AMOUNTS
from tasks.embedded.writer.knowledge import Resource, load_knowledge
from tasks.values import is_plural, pluralize, singularize

RESOURCES = [(category, resource) for category, resources in load_knowledge().items() for resource in resources]


def test_there_are_at_least_fifty_categories_of_four_resources() -> None:
    assert len(load_knowledge()) >= 50
    assert min(len(resources) for resources in load_knowledge().values()) >= 4


@pytest.mark.parametrize(("category", "resource"), RESOURCES, ids=[f"{c}/{r.name}" for c, r in RESOURCES])
def test_a_resource_has_typed_attributes_with_realistic_values(category: str, resource: Resource) -> None:
    assert len(resource.attributes) >= 6
    assert len({attribute.name for attribute in resource.attributes}) == len(resource.attributes)
    for attribute in resource.attributes:
        if attribute.type in ("integer", "number"):
            assert attribute.low is not None
            assert attribute.high is not None
            assert attribute.low < attribute.high
        elif attribute.type == "string":
            assert attribute.kind or len(attribute.enum) >= 2 or len(attribute.values) >= 8


@pytest.mark.parametrize(("category", "resource"), RESOURCES, ids=[f"{c}/{r.name}" for c, r in RESOURCES])
def test_the_nouns_can_be_told_from_their_plurals(category: str, resource: Resource) -> None:
    assert singularize(resource.plural) == resource.name
    assert pluralize(resource.name) == resource.plural
    assert not is_plural(resource.name)


def test_what_sounds_like_an_amount_is_a_number() -> None:
    """The user agent asks for "the highest" of these, by their names alone."""
    sounding = [a for _, resource in RESOURCES for a in resource.attributes if a.words.split()[-1] in AMOUNTS]
    assert [attribute.name for attribute in sounding if attribute.type not in ("integer", "number")] == []


def test_there_are_at_least_eight_archetypes_of_twelve_phrasings() -> None:
    sizes = {name: sum(map(len, moods.values())) for name, moods in PHRASES["archetypes"].items()}
    del sizes["other"]  # its phrase is the function's own description
    assert len(sizes) >= 8
    assert min(sizes.values()) >= 12
