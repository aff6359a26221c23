"""From a document to a toolset: normalised, listed, audited, or rejected with the reason."""

from copy import deepcopy

import pytest

from schemas.toolset import Toolset
from tasks.agents.toolset import accept_audit, toolset_from_document
from tasks.mock import audit_functions
from tasks.openapi import DocumentError, load_document
from tests.tasks.agents.parts import ENTRY, PET, answer_with, build_audited, make_document


def test_each_operation_is_a_function_that_was_called_well_and_badly(toolset: Toolset) -> None:
    names = ["searchPets", "createPet", "getPet", "deletePet"]
    assert [function.name for function in toolset.functions] == names
    assert [(call.function, call.good) for call in toolset.audit] == [
        (n, good) for n in names for good in (True, False)
    ]
    assert all(200 <= call.status < 300 for call in toolset.audit if call.good)
    assert all(400 <= call.status < 500 for call in toolset.audit if not call.good)


def test_a_document_without_operations_is_rejected() -> None:
    with pytest.raises(DocumentError, match="has no operation"):
        build_audited(ENTRY, "", {**make_document(), "paths": {}}, "offline")


def test_a_function_whose_answer_no_mock_can_give_fails_the_audit() -> None:
    document = make_document()
    impossible = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 2}}}
    document["paths"]["/pets/{petId}"]["get"]["responses"] = answer_with({**impossible, "required": ["n"]})
    with pytest.raises(DocumentError, match=r"getPet fails the audit: .+ \(1 of 8 calls fail\)"):
        build_audited(ENTRY, "", document, "offline")


def test_a_real_document_needs_no_teacher_and_gives_the_introduction() -> None:
    document = make_document()
    document["info"]["description"] = "Pets of\n\nshelters. " + "Much more. " * 200
    toolset = toolset_from_document(ENTRY.model_copy(update={"openapi": document}), load_document(document).document)
    assert toolset.introduction.startswith("Pets of shelters. Much more.")
    assert len(toolset.introduction) <= 1000
    assert toolset.teacher == ""
    assert toolset.entry.openapi is None


@pytest.mark.parametrize(
    ("told", "introduction"),
    [
        ("x" * 999, "x" * 999),
        ("x" * 1000, "x" * 1000),
        ("x" * 1001, "x" * 1000),
        (" Pets  of\n\tshelters. ", "Pets of shelters."),
        (None, "Pets that wait for a home"),
        ("", "Pets that wait for a home"),
        (7, "7"),
    ],
)
def test_an_introduction_is_one_line_of_a_thousand_characters_at_most(told: object, introduction: str) -> None:
    document = {**make_document(), "info": {"title": "Petfinder", "version": "1.0", "description": told}}
    assert toolset_from_document(ENTRY, document).introduction == introduction


def test_an_entry_without_a_description_has_a_name() -> None:
    entry = ENTRY.model_copy(update={"description": ""})
    assert toolset_from_document(entry, load_document(make_document()).document).introduction == "Petfinder"


def test_a_draft_is_a_toolset_once_its_audit_has_passed() -> None:
    draft = toolset_from_document(ENTRY, load_document(make_document()).document)
    assert draft.audit == ()
    audit = audit_functions(draft)
    assert accept_audit(draft, audit) == draft.model_copy(update={"audit": audit})
    spoilt = tuple(
        call.model_copy(update={"problem": f"problem {place}"}) if place in (2, 5) else call
        for place, call in enumerate(audit)
    )
    with pytest.raises(DocumentError, match=r"^createPet fails the audit: problem 2 \(2 of 8 calls fail\)$"):
        accept_audit(draft, spoilt)


def test_a_toolset_says_who_made_it_of_what(toolset: Toolset) -> None:
    entry = ENTRY.model_copy(update={"openapi": make_document()})
    made = build_audited(entry, "Pets.", make_document(), "some-model")
    assert (made.teacher, made.introduction, made.entry) == ("some-model", "Pets.", ENTRY)
    assert made.document == toolset.document


def test_a_document_that_says_a_thing_once_for_several_places_is_kept_written_out(toolset: Toolset) -> None:
    """Whoever calls a function looks at its operation alone."""
    document = make_document()
    pet = document["paths"]["/pets/{petId}"]
    pet["parameters"] = pet["get"].pop("parameters")
    del pet["delete"]["parameters"]
    document["components"] = {"schemas": {"Pet": PET}}
    pet["get"]["responses"] = answer_with({"$ref": "#/components/schemas/Pet"})
    made = build_audited(ENTRY, "Pets.", document, "offline")
    assert made.document["paths"] == toolset.document["paths"]


def test_an_entry_speaks_for_a_document_that_says_nothing() -> None:
    toolset = toolset_from_document(ENTRY, load_document(make_document()).document)
    assert toolset.introduction == ENTRY.description


def test_a_reference_loop_is_rejected_with_its_way() -> None:
    document = deepcopy(make_document())
    mother = {"mother": {"$ref": "#/components/schemas/Pet"}}
    document["components"] = {"schemas": {"Pet": {"type": "object", "properties": mother}}}
    document["paths"]["/pets/{petId}"]["get"]["responses"] = answer_with({"$ref": "#/components/schemas/Pet"})
    with pytest.raises(DocumentError, match="reference loop: #/components/schemas/Pet"):
        load_document(document)
