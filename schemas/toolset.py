"""What the teacher makes of a catalogue entry: documentation first, then an OpenAPI document."""

from pydantic import Field

from schemas.base import Json, Record
from schemas.catalog import CatalogEntry


class DocumentedFunction(Record):
    """A function as the documentation tells of it: `inputs` and `outputs` are names, `outputs` those of one thing where
    it returns several."""

    name: str
    description: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Documentation(Record):
    """An API's introduction (under 300 tokens) and its 2 to 10 functions."""

    introduction: str
    functions: tuple[DocumentedFunction, ...] = Field(min_length=2, max_length=10)


class Function(Record):
    """One operation of an OpenAPI document, as a tool: what a student sees.

    `parameters` is a JSON schema of type object, free of references; body fields and path, query, header and cookie
    parameters stand side by side in it. `description` ends with a line on what is returned.

    Example: {"name": "showBlock", "description": "Show one block. Returns: id, height, network.", "parameters":
    {"type": "object", "properties": {"block_id": {"type": "string", "description": "The id of the block"}},
    "required": ["block_id"]}}
    """

    name: str
    description: str
    parameters: dict[str, Json]

    def as_tool(self) -> dict[str, Json]:
        """The function as an entry of `tools` in a chat completion request."""
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": self.parameters},
        }


class AuditedCall(Record):
    """One call of the audit: what was sent, what came back, and what is wrong with that (empty if nothing).

    Example: {"function": "showBlock", "good": false, "arguments": {"block_id": {"wrong": "type"}}, "status": 400}
    """

    function: str
    good: bool
    arguments: dict[str, Json]
    status: int
    problem: str = ""


class Toolset(Record):
    """An API that is ready for episodes: entry, introduction, checked OpenAPI 3.1 document, functions, audit.

    `left_out` holds a line with the reason for each operation of the API's own document, and for each function that the
    teacher documented, that is no function here.
    """

    entry: CatalogEntry
    introduction: str
    document: dict[str, Json]
    functions: tuple[Function, ...]
    audit: tuple[AuditedCall, ...] = ()
    teacher: str = ""
    left_out: tuple[str, ...] = ()

    def restrict(self, names: tuple[str, ...] | None) -> "Toolset":
        """The toolset with the functions of these names alone; itself where that is None."""
        if names is None:
            return self
        kept = tuple(function for function in self.functions if function.name in names)
        return self.model_copy(update={"functions": kept})
