"""The step `document`: a catalogue entry becomes an introduction and a list of functions."""

from schemas.toolset import Documentation
from tasks.agents.document import document_api
from tasks.making import Made, Making


async def make_documentation(making: Making) -> Made[Documentation]:
    """Raises TeacherError."""
    documentation = await document_api(making.entry, making.teacher)
    return Made(documentation, {"functions": len(documentation.functions)})
