"""OpenAPI documents: load, validate, lint, list functions, build and read requests, check responses. No network."""

from tasks.openapi.assembling import Assembled, assemble_document
from tasks.openapi.errors import CallError, DocumentError
from tasks.openapi.functions import Body, Operation, Parameter, Response, build_function, list_operations
from tasks.openapi.lint import find_lint_problems
from tasks.openapi.load import LoadedDocument, find_base_url, load_document, normalise_document
from tasks.openapi.matching import match_request, read_arguments
from tasks.openapi.requests import build_request, check_arguments
from tasks.openapi.responses import check_response
from tasks.openapi.validate import find_spec_problems

__all__ = [
    "Assembled",
    "Body",
    "CallError",
    "DocumentError",
    "LoadedDocument",
    "Operation",
    "Parameter",
    "Response",
    "assemble_document",
    "build_function",
    "build_request",
    "check_arguments",
    "check_response",
    "find_base_url",
    "find_lint_problems",
    "find_spec_problems",
    "list_operations",
    "load_document",
    "match_request",
    "normalise_document",
    "read_arguments",
]
