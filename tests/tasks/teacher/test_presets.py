"""Endpoints by name: what a preset fills in, what goes before it, and what is said where it cannot be."""

import pytest
from pydantic import ValidationError

from schemas.errors import UserError
from schemas.parameters import Budget, BuildDatasetParams
from schemas.teacher import TeacherSettings
from tasks.teacher import fill_presets, list_endpoints, require_usable_teacher
from tasks.teacher.endpoint import name_endpoint, read_key
from tasks.teacher.presets import Preset, fill_preset, load_presets

NAMES = (
    "openai", "azure", "gemini", "anthropic", "openrouter", "ollama", "vllm", "llamacpp", "lmstudio", "together",
    "groq", "mistral", "deepseek", "fireworks", "litellm", "sglang",
)  # fmt: skip


@pytest.fixture(autouse=True)
def unset(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for preset in load_presets().values():
        monkeypatch.delenv(preset.api_key_env, raising=False)


def test_there_is_one_for_each_of_the_endpoints_that_people_use() -> None:
    assert set(load_presets()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_makes_settings_that_lead_somewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = load_presets()[name]
    address = preset.base_url or "https://mine.openai.azure.com"
    filled = fill_preset(TeacherSettings(model="m", preset=name, base_url=address))
    again = TeacherSettings.model_validate(filled.model_dump(mode="json"))
    assert again == filled  # its address is one that may be given
    monkeypatch.setenv(preset.api_key_env, "sk-1")
    require_usable_teacher(filled, Budget())
    assert read_key(filled).get_secret_value() == "sk-1"


def test_a_file_that_says_what_nobody_knows_is_none() -> None:
    good = {"base_url": None, "api_key_env": "K", "tools": "t", "source": "https://h"}
    Preset.model_validate({**good, "takes": {"answers": "plain", "left_out": ["seed"]}})
    for bad in ({"adress": "x"}, {"takes": {"sead": False}}, {"concurrency": 0}, {"source": "http://h"}):
        with pytest.raises(ValidationError):
            Preset.model_validate({**good, **bad})


def test_it_fills_in_what_is_not_set_and_nothing_else() -> None:
    filled = fill_preset(TeacherSettings(model="m", preset="groq"))
    preset = load_presets()["groq"]
    assert (filled.base_url, filled.api_key_env) == (preset.base_url, "GROQ_API_KEY")
    assert filled.concurrency == preset.concurrency != 64
    assert fill_preset(TeacherSettings(model="m", preset="ollama")).timeout_s == 600  # a model on one's own machine
    own = TeacherSettings(model="m", preset="groq", api_key_env="MINE", concurrency=64, base_url="http://h/v1")
    assert fill_preset(own) == own
    plain = TeacherSettings(model="m")
    assert fill_preset(plain) is plain


def test_what_was_filled_in_is_what_is_recorded() -> None:
    params = fill_presets(BuildDatasetParams.model_validate({"teacher": {"model": "m", "preset": "groq"}}))
    assert params.teacher.base_url == params.user.base_url == load_presets()["groq"].base_url
    recorded = BuildDatasetParams.model_validate(params.model_dump(mode="json"))
    assert fill_presets(recorded) == recorded == params
    assert fill_presets(BuildDatasetParams()) == BuildDatasetParams()


def test_each_role_may_have_its_own() -> None:
    given = {"teacher": {"model": "a", "preset": "openai"}, "user": {"model": "b", "preset": "groq"}}
    params = fill_presets(BuildDatasetParams.model_validate(given))
    keys = [params.get_settings(role).api_key_env for role in ("teacher", "user", "assistant")]
    assert keys == ["OPENAI_API_KEY", "GROQ_API_KEY", "OPENAI_API_KEY"]


def test_one_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UserError, match=r"--teacher.preset 'gpt': there is none; .*openai, azure, gemini") as caught:
        fill_preset(TeacherSettings(model="m", preset="gpt"))
    assert "\n" not in str(caught.value)


def test_one_without_an_address_asks_for_it() -> None:
    with pytest.raises(UserError, match=r"name it with --teacher.base_url"):
        fill_preset(TeacherSettings(model="m", preset="azure"))


def test_where_nothing_is_answered_without_a_key_that_is_said_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosted, own = (fill_preset(TeacherSettings(model="m", preset=name)) for name in ("groq", "ollama"))
    with pytest.raises(UserError, match=r"GROQ_API_KEY holds no API key for https://api.groq.com"):
        read_key(hosted)
    assert read_key(own).get_secret_value() == ""
    elsewhere = fill_preset(TeacherSettings(model="m", preset="groq", base_url="http://localhost:1/v1"))
    assert read_key(elsewhere).get_secret_value() == ""
    azure = TeacherSettings(model="m", preset="azure", base_url="https://a.openai.azure.com/openai/v1")
    with pytest.raises(UserError, match="AZURE_OPENAI_API_KEY holds no API key"):
        read_key(fill_preset(azure))


class TestFallback:
    def test_what_it_does_not_name_is_the_first_s(self) -> None:
        settings = TeacherSettings.model_validate(
            {"model": "m", "base_url": "http://a/v1", "api_key_env": "A", "temperature": 0.1,
             "fallback": [{"base_url": "http://b/v1"}, {"preset": "ollama", "model": "n"}]}
        )  # fmt: skip
        first, second, third = list_endpoints(settings)
        assert (first.base_url, first.model, first.fallback) == ("http://a/v1", "m", ())
        assert (second.base_url, second.model, second.api_key_env) == ("http://b/v1", "m", "A")
        assert (third.base_url, third.model, third.api_key_env) == ("http://localhost:11434/v1", "n", "OLLAMA_API_KEY")
        assert {one.temperature for one in (first, second, third)} == {0.1}
        assert [one.fallback for one in (second, third)] == [(), ()]

    def test_settings_without_one_are_a_list_of_themselves(self) -> None:
        settings = TeacherSettings(model="m")
        assert list_endpoints(settings) == (settings,)

    def test_one_that_is_no_preset_is_told(self) -> None:
        settings = TeacherSettings.model_validate({"model": "m", "fallback": [{"preset": "gpt"}]})
        with pytest.raises(UserError, match="there is none"):
            list_endpoints(settings)


@pytest.mark.parametrize(
    ("address", "version", "asked"),
    [
        ("https://a.openai.azure.com", None, "https://a.openai.azure.com/openai/v1"),
        ("https://a.openai.azure.com/", "2024-10-21", "https://a.openai.azure.com/openai/deployments/m"),
        ("https://a.services.ai.azure.com", None, "https://a.services.ai.azure.com/openai/v1"),
        ("https://a.openai.azure.com/openai/deployments/d", "1", "https://a.openai.azure.com/openai/deployments/d"),
        ("https://azure.com.example.org", None, "https://azure.com.example.org"),
    ],
)
def test_the_address_of_a_resource_at_azure_leads_to_its_api(address: str, version: str | None, asked: str) -> None:
    assert name_endpoint(TeacherSettings(model="m", base_url=address, api_version=version)) == asked


def test_a_deployment_at_azure_wants_a_version() -> None:
    settings = TeacherSettings(model="m", base_url="https://a.openai.azure.com/openai/deployments/d")
    with pytest.raises(UserError, match=r"name it with --teacher.api_version"):
        require_usable_teacher(settings, Budget())
    require_usable_teacher(settings.model_copy(update={"api_version": "2024-10-21"}), Budget())
