"""How many tokens there are, where nobody says."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.calls import Completion, Usage
from schemas.episodes import ToolCall
from tasks.teacher import counting
from tasks.teacher.counting import TokenCounter, count_by_length, load_counter

BODY = {"model": "tiny", "messages": [{"role": "user", "content": "x" * 4000}], "seed": 7}


def answer(content: str = "", told: Usage | None = None, **more: Any) -> Completion:
    return Completion(content=content, model="tiny", usage=told or Usage(), **more)


def test_four_bytes_are_a_token_and_a_rest_is_one() -> None:
    assert [count_by_length(text) for text in ("", "a", "abcd", "abcde", "猫", "\ud83d")] == [0, 1, 1, 2, 1, 1]


def test_what_the_model_reads_is_counted_and_not_how_it_is_sampled() -> None:
    counter = TokenCounter(count_by_length)
    prompt = counter.count_prompt(BODY)
    assert 1000 < prompt < 1020
    assert counter.count_prompt({**BODY, "seed": 12345, "temperature": 0.7}) == prompt
    for more in ({"tools": [{"name": "x" * 40}]}, {"response_format": {"name": "x" * 40}}):
        assert counter.count_prompt({**BODY, **more}) > prompt + 10


def test_usage_that_was_told_is_taken_as_it_is() -> None:
    told = answer("Hello.", Usage(prompt=5, completion=9, cached=3, reasoning=7))
    assert TokenCounter().complete(told, BODY, "words") == told


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (Usage(), Usage(prompt=1010, completion=10)),
        (Usage(prompt=700), Usage(prompt=700, completion=10)),
        (Usage(completion=7), Usage(prompt=1010, completion=7)),
    ],
)
def test_what_was_not_told_of_it_is_counted_and_marked(told: Usage, usage: Usage) -> None:
    counter = TokenCounter(count_by_length)
    found = counter.complete(answer("four" * 8, told, tool_calls=(ToolCall(id="c", name="abcd", arguments='{"": 1}'),)),
                             BODY, "tools")  # fmt: skip
    assert (found.usage.completion, found.estimated) == (usage.completion + (told.completion == 0), True)
    assert found.usage.prompt == pytest.approx(usage.prompt, abs=10)


def test_an_answer_of_nothing_that_has_taken_nothing_is_told() -> None:
    assert not TokenCounter().complete(answer("", Usage(prompt=9)), BODY, "words").estimated


def test_the_count_is_corrected_by_what_the_endpoint_tells() -> None:
    counter = TokenCounter(count_by_length)
    before = counter.count_prompt(BODY)
    for _ in range(200):  # it counts twice as many
        counter.complete(answer("x" * 400, Usage(prompt=2 * before, completion=200)), BODY, "words")
    assert counter.count_prompt(BODY) == pytest.approx(2 * before, rel=0.02)
    found = counter.complete(answer("x" * 400), BODY, "words")
    assert found.usage.completion == pytest.approx(200, rel=0.1)
    assert TokenCounter(count_by_length).count_prompt(BODY) == before


def test_one_answer_alone_and_an_absurd_one_decide_nothing() -> None:
    counter = TokenCounter(count_by_length)
    before = counter.count_prompt(BODY)
    counter.complete(answer("", Usage(prompt=10**9)), BODY, "words")
    assert counter.count_prompt(BODY) == before
    counter.complete(answer("", Usage(prompt=2 * before)), BODY, "words")
    assert before < counter.count_prompt(BODY) < 1.6 * before


def test_an_answer_is_thought_to_be_long_until_one_of_its_shape_is_there() -> None:
    counter = TokenCounter()
    assert counter.expect_completion("json") == (0, 2000)
    for tokens in (100, 100, 400):
        counter.complete(answer("x", Usage(prompt=1, completion=tokens)), BODY, "json")
    assert counter.expect_completion("json") == (200, 400)
    for _ in range(9):
        counter.complete(answer("x", Usage(prompt=1, completion=10)), BODY, "json")
    assert counter.expect_completion("json") == (57, 115)
    assert counter.expect_completion("tools") == (0, 2000)


class TestVocabulary:
    """tiktoken counts where its vocabulary is there, and never fetches it."""

    @pytest.fixture(autouse=True)
    def forget(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
        load_counter.cache_clear()
        monkeypatch.setattr(counting, "import_module", self.load)
        self.loaded = 0
        yield
        load_counter.cache_clear()  # or other tests would count with this one

    def load(self, name: str) -> Any:
        self.loaded += 1
        assert name == "tiktoken"
        return SimpleNamespace(get_encoding=lambda _: SimpleNamespace(encode_ordinary=lambda text: text.split()))

    @pytest.mark.parametrize("kept", [None, b"torn"])
    def test_without_it_or_with_a_torn_one_nothing_is_loaded(self, kept: bytes | None, tmp_path: Path) -> None:
        if kept is not None:
            (tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790").write_bytes(kept)
        assert load_counter() is count_by_length
        assert self.loaded == 0

    def test_with_it_tokens_are_counted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790").write_bytes(b"whole")
        monkeypatch.setattr(counting, "_VOCABULARY_SHA256", hashlib.sha256(b"whole").hexdigest())
        assert load_counter()("three little words") == 3

    def test_where_it_is_not_installed_length_has_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(name: str) -> Any:
            raise ModuleNotFoundError(name)

        (tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790").write_bytes(b"whole")
        monkeypatch.setattr(counting, "_VOCABULARY_SHA256", hashlib.sha256(b"whole").hexdigest())
        monkeypatch.setattr(counting, "import_module", fail)
        assert load_counter() is count_by_length
