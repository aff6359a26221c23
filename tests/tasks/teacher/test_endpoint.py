"""Where the teacher is and what it is called, where the key comes from, and what can be told before it is asked."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from pydantic import SecretStr

from schemas.errors import UserError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher import find_price, in_process, require_usable_teacher
from tasks.teacher.endpoint import build_recipe, name_endpoint, open_client, read_key, scrub
from tasks.teacher.in_process import read_version

PRICES = """
endpoints:
  http://host/v1:
    tiny: {input: 1, output: 2, noted: 2026-01-01}
"""


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TINY_KEY", "TOOLHERD_PRICES"):
        monkeypatch.delenv(name, raising=False)


def at_host(**fields: object) -> TeacherSettings:
    return TeacherSettings.model_validate({"model": "tiny", "base_url": "http://host/v1", **fields})


class TestAddress:
    def test_it_is_the_settings_then_the_environments_then_openais(self, monkeypatch: pytest.MonkeyPatch) -> None:
        unsaid = TeacherSettings(model="tiny")
        assert name_endpoint(unsaid) == "https://api.openai.com/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", "  http://me:secret@Proxy:8000/v1/?key=secret ")
        assert name_endpoint(unsaid) == "http://proxy:8000/v1"
        assert name_endpoint(at_host()) == "http://host/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", "  ")
        assert name_endpoint(unsaid) == "https://api.openai.com/v1"

    def test_not_every_request_there_is_logged(self) -> None:
        assert not logging.getLogger("httpx2").isEnabledFor(logging.INFO)
        assert logging.getLogger("httpx2").isEnabledFor(logging.WARNING)

    def test_the_embedded_teacher_is_named_by_its_version_and_error_rate(self) -> None:
        assert name_endpoint(TeacherSettings()) == f"embedded:{read_version()}"
        assert name_endpoint(TeacherSettings(error_rate=0.25)) == f"embedded:{read_version()}?error_rate=0.25"
        assert name_endpoint(TeacherSettings(base_url="http://host/v1")) == "http://host/v1"  # a server of it

    async def test_the_client_asks_there_once_within_the_time_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with open_client(at_host(timeout_s=7, concurrency=3000), SecretStr("sk-1")) as client:
            assert str(client.base_url) == "http://host/v1/"
            assert (client.api_key, client.max_retries, client.timeout) == ("sk-1", 0, 7)
        async with open_client(at_host(), SecretStr("")) as client:
            assert client.api_key == "none"
        monkeypatch.setenv("OPENAI_BASE_URL", "http://proxy/v1")
        async with open_client(TeacherSettings(model="tiny"), SecretStr("sk-1")) as client:
            assert str(client.base_url) == "http://proxy/v1/"
        async with open_client(TeacherSettings(), SecretStr("sk-1")) as client:
            assert (client.api_key, client.max_retries, str(client.base_url)) == ("offline", 0, "http://embedded/v1/")

    @pytest.mark.parametrize(("concurrency", "connections"), [(1, 1000), (500, 1000), (501, 1002), (3000, 6000)])
    async def test_it_keeps_connections_for_all_that_is_in_flight_and_none_that_has_rested_for_long(
        self, concurrency: int, connections: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits: list[httpx2.Limits] = []
        build = openai.DefaultAioHttpClient

        def watch(**options: Any) -> Any:
            limits.append(options["limits"])
            return build(**options)

        monkeypatch.setattr(openai, "DefaultAioHttpClient", watch)
        await open_client(at_host(concurrency=concurrency), SecretStr("")).close()
        assert [(limit.max_connections, limit.keepalive_expiry) for limit in limits] == [(connections, 3)]


class TestRecipe:
    def test_it_holds_endpoint_model_and_temperature_and_nothing_of_how_hard_it_is_asked(self) -> None:
        assert build_recipe(at_host(temperature=0.3, concurrency=3, timeout_s=1, attempts=1, rpm=5)) == {
            "endpoint": "http://host/v1",
            "model": "tiny",
            "temperature": 0.3,
        }

    def test_the_embedded_teachers_holds_how_much_it_errs(self) -> None:
        assert build_recipe(TeacherSettings(error_rate=0.25)) == {
            "endpoint": f"embedded:{read_version()}?error_rate=0.25",
            "model": "offline",
            "temperature": 0.7,
            "error_rate": 0.25,
        }
        assert build_recipe(TeacherSettings())["error_rate"] == 0


class TestKey:
    def test_it_is_read_from_the_variable_that_is_named_without_blanks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TINY_KEY", " sk-1\n")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
        assert read_key(at_host(api_key_env="TINY_KEY")).get_secret_value() == "sk-1"
        assert read_key(at_host()).get_secret_value() == "sk-2"
        assert read_key(TeacherSettings(model="gpt-4o", api_key_env="TINY_KEY")).get_secret_value() == "sk-1"

    def test_the_embedded_teacher_gets_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
        assert read_key(TeacherSettings()).get_secret_value() == ""

    @pytest.mark.parametrize("key", [None, "", "  "])
    @pytest.mark.parametrize("address", [None, "https://api.openai.com/v1", "https://api.openai.com/v1/"])
    def test_openai_is_not_asked_without_one(
        self, key: str | None, address: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if key is not None:
            monkeypatch.setenv("TINY_KEY", key)
        settings = TeacherSettings(model="gpt-4o", base_url=address, api_key_env="TINY_KEY")
        with pytest.raises(UserError, match="environment variable TINY_KEY holds no API key for https"):
            read_key(settings)

    def test_a_server_of_ones_own_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert read_key(at_host()).get_secret_value() == ""
        monkeypatch.setenv("OPENAI_BASE_URL", "http://proxy/v1")
        assert read_key(TeacherSettings(model="gpt-4o")).get_secret_value() == ""

    def test_it_shows_itself_nowhere_and_is_scrubbed_from_texts(self) -> None:
        assert scrub("key sk-1, again sk-1!", SecretStr("sk-1")) == "key ***, again ***!"
        assert scrub("as it is", SecretStr("")) == "as it is"


class TestBeforehand:
    @pytest.fixture(autouse=True)
    def note_prices(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "prices.yaml").write_text(PRICES)
        monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))

    def test_the_price_is_that_of_the_model_at_its_endpoint(self) -> None:
        price = find_price(at_host())
        assert price is not None
        assert (price.input, price.output) == (1, 2)
        assert find_price(at_host(model="other")) is None
        assert find_price(at_host(base_url="http://other/v1")) is None

    def test_a_budget_in_dollars_needs_one(self) -> None:
        require_usable_teacher(at_host(), Budget(usd=1))
        require_usable_teacher(at_host(model="other"), Budget(tokens=1))
        with pytest.raises(UserError, match="price of 'other'"):
            require_usable_teacher(at_host(model="other"), Budget(usd=1))

    def test_a_key_is_looked_for_in_the_environment_and_not_in_a_block(self) -> None:
        with pytest.raises(UserError, match="OPENAI_API_KEY"):
            require_usable_teacher(TeacherSettings(model="gpt-4o"), Budget())
        require_usable_teacher(TeacherSettings(model="gpt-4o", api_key_block="teacher-key"), Budget())
        with pytest.raises(UserError, match="price of 'gpt-4o'"):
            require_usable_teacher(TeacherSettings(model="gpt-4o", api_key_block="teacher-key"), Budget(usd=1))


class TestVersion:
    def test_there_is_something_that_it_is_the_version_of(self) -> None:
        assert read_version() != hashlib.sha256().hexdigest()[:12]

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """What stands for the folder of tasks, which nobody may edit while tests run."""
        monkeypatch.setattr(in_process, "_TASKS", tmp_path)
        yield tmp_path
        read_version.cache_clear()

    def test_it_follows_from_all_that_the_embedded_teacher_answers_from_and_from_nothing_else(
        self, folder: Path
    ) -> None:
        def write(name: str, text: str) -> str:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            read_version.cache_clear()
            return read_version()

        versions = [
            write("embedded/app.py", "1"),
            write("embedded/app.py", "2"),
            write("values/names.csv", "1"),
            write("embedded/knowledge/pets.yaml", "1"),
            write("embedded/knowledge/pets", "1"),
        ]
        assert len(set(versions)) == len(versions)
        assert {len(version) for version in versions} == {12}
        assert write("teacher/client.py", "1") == versions[-1]
        assert write("embedded/__pycache__/app.pyc", "1") == versions[-1]
        (folder / "values/names.csv").rename(folder / "values/names.txt")
        read_version.cache_clear()
        assert read_version() not in versions
