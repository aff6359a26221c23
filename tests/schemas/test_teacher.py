"""The teacher's settings."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.teacher import TeacherSettings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"error_rate": 0.1, "model": "gpt-4o"}, "embedded teacher"),
        ({"error_rate": 0.1, "base_url": "http://localhost:8000/v1"}, "embedded teacher"),
        ({"batch": True}, "batch needs an endpoint with a Batch API"),
        ({"base_url": "localhost:8000"}, "http or https"),
        ({"base_url": "http://me:secret@h/v1"}, "a key belongs in"),
        ({"base_url": "http://h/v1?key=secret"}, "a key belongs in"),
        ({"concurrency": 0}, "greater than or equal to 1"),
        ({"api_key": "secret"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TeacherSettings(**settings)


def test_the_embedded_teacher_is_the_default() -> None:
    assert TeacherSettings().is_embedded
    assert TeacherSettings(error_rate=0.1).is_embedded
    assert not TeacherSettings(base_url="http://localhost:8000/v1").is_embedded
