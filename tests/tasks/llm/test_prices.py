"""Prices: known ones, unknown ones, and a user's own."""

from pathlib import Path

import pytest

from schemas.calls import Usage
from schemas.errors import UserError
from tasks.llm.prices import load_prices

HOST = "https://models.example.com/v1"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    price = "{input: 2.5, cached_input: 1.25, output: 10, noted: 2026-01-02}"
    path.write_text(f"endpoints: {{'{HOST}': {{large: {price}}}}}")
    return path


def test_cached_input_has_a_price_of_its_own(own: Path) -> None:
    price = load_prices(own).find_price(HOST, "large")
    assert price is not None
    usage = Usage(prompt=1_000_000, cached=400_000, completion=100_000)
    assert price.compute_cost(usage) == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10)


def test_a_batch_costs_half_or_what_the_file_says(own: Path) -> None:
    usage = Usage(prompt=1_000_000, completion=100_000)
    price = load_prices(own).find_price(HOST, "large")
    assert price is not None
    assert price.compute_cost(usage, batched=True) == pytest.approx(price.compute_cost(usage) / 2)
    own.write_text(own.read_text().replace("noted:", "batch_share: 0.8, noted:"))
    price = load_prices(own).find_price(HOST, "large")
    assert price is not None
    assert price.compute_cost(usage, batched=True) == pytest.approx(price.compute_cost(usage) * 0.8)


def test_a_dated_name_has_the_price_of_the_name_and_an_unknown_one_has_none(own: Path) -> None:
    prices = load_prices(own)
    assert prices.find_price(HOST, "large-2026-08-06") == prices.find_price(HOST, "large")
    assert prices.find_price(HOST, "large-audio") is None
    assert prices.find_price("http://localhost:8000/v1", "large") is None


def test_no_price_of_a_provider_is_guessed() -> None:
    assert load_prices().find_price("https://api.openai.com/v1", "gpt-4o") is None


def test_the_offline_teacher_is_free_wherever_it_runs() -> None:
    for endpoint in ("embedded:1", "http://localhost:8000/v1"):
        price = load_prices().find_price(endpoint, "offline")
        assert price is not None
        assert price.compute_cost(Usage(prompt=9, completion=9)) == 0


def test_a_file_of_ones_own_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("endpoints: {'http://h/v1': {m: {input: 1, output: 2, noted: 2026-01-02}}}")
    monkeypatch.setenv("TOOLHERD_PRICES", str(path))
    price = load_prices().find_price("http://h/v1/", "m")
    assert price is not None
    assert price.compute_cost(Usage(prompt=1_000_000, cached=500_000)) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("endpoints: {h: {m: {input: -1, output: 2, noted: 2026-01-02}}}", "endpoints.h.m.input"),
        ("endpoints: {h: {m: {input: 1, noted: 2026-01-02}}}", "endpoints.h.m.output"),
        ("a: [", "no YAML"),
        ("", "the document"),
    ],
)
def test_a_bad_price_list_is_told_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=problem) as raised:
        load_prices(path)
    assert "\n" not in str(raised.value)


def test_a_missing_price_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_prices(tmp_path / "none.yaml")
