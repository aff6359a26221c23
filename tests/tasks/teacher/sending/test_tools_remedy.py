"""What a user is told to set where a model calls no functions."""

import pytest

from schemas.teacher import TeacherSettings
from tasks.teacher.sending.tools_remedy import find_tools_remedy


@pytest.mark.parametrize(
    ("preset", "said", "remedy"),
    [
        (None, "it requires --enable-auto-tool-choice", "start the server with --enable-auto-tool-choice"),
        (None, "tools param requires --jinja flag", "start llama-server with --jinja"),
        (None, "No endpoints found that support tool use", "openrouter.ai/models"),
        (None, "tiny does not support tools", "name a model that can, with --teacher.model"),
        ("ollama", "tiny does not support tools", 'ollama.com/search lists under "tools"'),
        ("litellm", "it requires --enable-auto-tool-choice", "start the server with --enable-auto-tool-choice"),
        (None, None, "have the server read its calls"),
        ("groq", None, "console.groq.com/docs/tool-use"),
    ],
)
def test_what_is_said_tells_it_or_else_what_is_known_of_the_endpoint(
    preset: str | None, said: str | None, remedy: str
) -> None:
    assert remedy in find_tools_remedy(TeacherSettings(model="tiny", preset=preset), said)
