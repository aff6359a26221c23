"""The teacher's settings."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.parameters import BuildDatasetParams
from schemas.teacher import TeacherSettings, TokenLimits


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


HEADERS = {"extra_headers": {"X-Team": "data"}}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"preset": "groq"}, "names an endpoint and no model"),
        ({"model": "m", "top_p": 0}, "greater than 0"),
        ({"model": "m", "reasoning_effort": "very much"}, "pattern"),
        ({"model": "m", "api_version": "a b"}, "pattern"),
        ({"model": "m", "fallback": [{"model": "n"}]}, "a fall-back names a base_url or a preset"),
        ({"model": "m", "fallback": [{"base_url": "ftp://h"}]}, "http or https"),
        ({"fallback": [{"base_url": "http://h/v1"}]}, "embedded teacher is never given up"),
        ({"model": "m", "batch": True, "fallback": [{"base_url": "http://h/v1"}]}, "do not go together"),
        ({"model": "m", "extra_body": "{"}, "extra_body must be JSON"),
        ({"model": "m", "extra_body": "[]"}, "valid dictionary"),
        ({"extra_headers": {"Content-Length": "1"}}, "no header that may be set"),
        ({"extra_headers": {"X A": "1"}}, "no header that may be set"),
        ({"extra_headers": {"X-A": "1\r\nX-B: 2"}}, "no text that a header can hold"),
        ({"max_tokens": {"document": 0}}, "greater than or equal to 1"),
    ],
)
def test_knobs_that_cannot_be_meant_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TeacherSettings(**settings)


@pytest.mark.parametrize("name", ["Authorization", "api-key", "X-Auth-Token", "cookie", "X-Client-Secret"])
def test_a_header_that_looks_like_a_secret_has_to_come_from_the_environment(name: str) -> None:
    with pytest.raises(ValidationError, match="looks like a secret") as caught:
        TeacherSettings(extra_headers={name: "marked-4711"})
    assert "marked-4711" not in caught.value.errors(include_input=False)[0]["msg"]
    assert TeacherSettings(extra_headers={name: "env:MY_KEY"}).extra_headers == {name: "env:MY_KEY"}
    assert TeacherSettings(**HEADERS).extra_headers == {"X-Team": "data"}


def test_what_is_given_as_json_is_read() -> None:
    settings = TeacherSettings.model_validate(
        {
            "model": "m",
            "extra_body": '{"provider": {"order": ["a"]}}',
            "extra_headers": '{"X-Team": "data"}',
            "fallback": ['{"preset": "groq"}', {"base_url": "http://h/v1"}],
        }
    )
    assert settings.extra_body == {"provider": {"order": ["a"]}}
    assert settings.extra_headers == {"X-Team": "data"}
    assert [(one.preset, one.base_url) for one in settings.fallback] == [("groq", None), (None, "http://h/v1")]


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({}, (16_384, 8_192)),
        ({"max_tokens": 500}, (500, 500)),
        ({"max_tokens": "500"}, (500, 500)),
        ({"max_tokens": {"user": 5}}, (16_384, 5)),
        ({"max_tokens": {"document": "none"}}, (None, 8_192)),
    ],
)
def test_limits_of_tokens_are_by_stage_or_one_for_all(given: dict[str, Any], limits: tuple[int | None, int]) -> None:
    found = TeacherSettings.model_validate(given).max_tokens
    assert (found.document, found.user) == limits


def test_a_limit_is_found_by_stage_and_in_a_dialogue_by_who_speaks() -> None:
    limits = TokenLimits(document=1, specify=2, instruct=3, assistant=4, user=5, judge=6)
    assert limits.find("document", "teacher") == 1
    assert limits.find("specify", "teacher") == 2
    assert limits.find("instruct", "user") == 3
    assert limits.find("simulate", "assistant") == 4
    assert limits.find("simulate", "user") == 5
    assert limits.find("judge", "teacher") == 6


@pytest.mark.parametrize(
    ("given", "address", "version"),
    [
        ("https://a.openai.azure.com/openai/deployments/g/chat/completions?api-version=2024-10-21",
         "https://a.openai.azure.com/openai/deployments/g", "2024-10-21"),
        ("https://a.openai.azure.com/openai/v1/", "https://a.openai.azure.com/openai/v1", None),
        (" http://localhost:8000/v1/chat/completions ", "http://localhost:8000/v1", None),
        ("http://localhost:8000/v1", "http://localhost:8000/v1", None),
    ],
)  # fmt: skip
def test_an_address_may_be_given_as_a_page_of_azure_or_an_example_shows_it(
    given: str, address: str, version: str | None
) -> None:
    settings = TeacherSettings(model="m", base_url=given)
    assert (settings.base_url, settings.api_version) == (address, version)


def test_a_query_that_holds_anything_else_is_refused() -> None:
    for query in ("api-version=1&key=s", "api-version=1&api-version=2", "sig=api-version"):
        with pytest.raises(ValidationError, match="neither a user, a password nor a query"):
            TeacherSettings(model="m", base_url=f"https://a.openai.azure.com/x?{query}")


def test_a_version_that_is_set_goes_before_the_one_of_the_address() -> None:
    settings = TeacherSettings(model="m", base_url="https://h/x?api-version=1", api_version="2")
    assert settings.api_version == "2"


TEACHER = {"model": "big", "base_url": "http://t/v1", "api_key_env": "T", "temperature": 0.2, "concurrency": 9}


class TestRoles:
    def make(self, teacher: dict[str, Any] = TEACHER, **own: Any) -> TeacherSettings:
        return BuildDatasetParams.model_validate({"teacher": teacher, "user": own}).user

    def test_without_settings_of_its_own_a_role_is_asked_as_the_teacher_is(self) -> None:
        params = BuildDatasetParams.model_validate({"teacher": TEACHER})
        assert params.user.model_dump() == params.assistant.model_dump() == params.teacher.model_dump()
        assert BuildDatasetParams().assistant.is_embedded

    def test_what_is_not_given_is_the_teacher_s_field_by_field(self) -> None:
        user = self.make(model="small", temperature="none")
        assert (user.model, user.temperature) == ("small", None)
        assert (user.base_url, user.api_key_env, user.concurrency) == ("http://t/v1", "T", 9)

    def test_limits_are_so_one_by_one(self) -> None:
        user = self.make({**TEACHER, "max_tokens": {"document": 1, "user": 2}}, max_tokens={"user": 3})
        assert (user.max_tokens.document, user.max_tokens.user, user.max_tokens.judge) == (1, 3, 8_192)

    def test_a_preset_of_its_own_takes_nothing_of_the_teacher_s_address(self) -> None:
        user = self.make({**TEACHER, **HEADERS, "rpm": 5}, preset="groq", model="small")
        assert (user.base_url, user.api_key_env, user.extra_headers) == (None, "OPENAI_API_KEY", {})
        assert (user.concurrency, user.rpm, user.temperature) == (64, None, 0.2)

    def test_an_address_of_its_own_does_not_take_the_teacher_s_preset(self) -> None:
        user = self.make({"model": "big", "preset": "groq"}, base_url="http://u/v1")
        assert (user.preset, user.base_url, user.model) == (None, "http://u/v1", "big")

    def test_the_embedded_teacher_may_be_one_of_them(self) -> None:
        assert self.make(model="offline").is_embedded
        assert not self.make(model="offline", base_url="http://u/v1").is_embedded

    def test_batches_and_errors_on_purpose_stay_with_the_model_that_they_were_meant_for(self) -> None:
        assert self.make({**TEACHER, "batch": True}, temperature=1).batch
        assert not self.make({**TEACHER, "batch": True}, model="small").batch
        assert self.make({"error_rate": 0.5}, temperature=1).error_rate == 0.5
        assert self.make({"error_rate": 0.5}, model="small", base_url="http://u/v1").error_rate == 0

    def test_what_is_recorded_of_a_run_means_the_same_when_it_is_read_again(self) -> None:
        given = {"teacher": {**TEACHER, "temperature": "none"}, "user": {"model": "small"}, "assistant": {"rpm": 7}}
        params = BuildDatasetParams.model_validate(given)
        assert BuildDatasetParams.model_validate(params.model_dump(mode="json")) == params
        assert BuildDatasetParams.model_validate(params.model_dump(mode="json", exclude_unset=True)) == params

    def test_what_is_wrong_with_a_role_is_said_of_it(self) -> None:
        with pytest.raises(ValidationError) as caught:
            self.make(base_url="u/v1")
        assert {error["loc"] for error in caught.value.errors()} == {("user",)}

    def test_a_form_fills_in_nothing_that_would_stand_before_the_teacher_s(self) -> None:
        schema = BuildDatasetParams.model_json_schema()
        fields = schema["$defs"]["RoleSettings"]["properties"]
        assert set(fields) == set(TeacherSettings.model_fields)
        assert [name for name, field in fields.items() if "default" in field] == []
        assert schema["$defs"]["TeacherSettings"]["properties"]["model"]["default"] == "offline"
