"""The step `document`: how many functions there are."""

from tasks.document import make_documentation
from tests.tasks.agents.parts import embedded
from tests.tasks.parts import ENTRY, make_making


async def test_what_is_documented_is_counted() -> None:
    async with embedded() as teacher:
        made = await make_documentation(make_making(teacher))
    assert ENTRY.name in made.content.introduction
    assert made.counts == {"functions": len(made.content.functions)}
    assert made.unfinished == 0
