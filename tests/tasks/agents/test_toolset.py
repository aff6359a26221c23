"""From a document to a toolset: normalised, listed, audited, or rejected with the reason."""

from copy import deepcopy

import pytest

from schemas.toolset import Toolset
from tasks.agents.toolset import build_toolset, toolset_from_document
from tasks.openapi import DocumentError, load_document
from tests.tasks.agents.parts import ENTRY, answer_with, make_document


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
        build_toolset(ENTRY, "", {**make_document(), "paths": {}}, "offline")


def test_a_function_whose_answer_no_mock_can_give_fails_the_audit() -> None:
    document = make_document()
    impossible = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 2}}}
    document["paths"]["/pets/{petId}"]["get"]["responses"] = answer_with({**impossible, "required": ["n"]})
    with pytest.raises(DocumentError, match=r"getPet fails the audit: .+ \(1 of 8 calls fail\)"):
        build_toolset(ENTRY, "", document, "offline")


def test_a_real_document_needs_no_teacher_and_gives_the_introduction() -> None:
    document = make_document()
    document["info"]["description"] = "Pets of\n\nshelters. " + "Much more. " * 200
    toolset = toolset_from_document(ENTRY.model_copy(update={"openapi": document}), load_document(document).document)
    assert toolset.introduction.startswith("Pets of shelters. Much more.")
    assert len(toolset.introduction) <= 1000
    assert toolset.teacher == ""
    assert toolset.entry.openapi is None


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
