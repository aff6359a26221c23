"""Prices: known ones, unknown ones, and a user's own."""

from pathlib import Path

import pytest

from schemas.calls import Usage
from schemas.errors import UserError
from tasks.teacher.prices import Price, load_prices

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


def find(path: Path, price: str) -> Price:
    """The price that a file of one's own gives."""
    path.write_text(f"endpoints: {{'{HOST}': {{large: {price}}}}}")
    found = load_prices(path).find_price(HOST, "large")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        ("{input: 4, output: 10, noted: 2026-01-02}", 4.0),  # none of its own
        ("{input: 4, cached_input: null, output: 10, noted: 2026-01-02}", 4.0),
        ("{input: 4, cached_input: 0, output: 10, noted: 2026-01-02}", 3.0),  # a quarter is free
        ("{input: 4, cached_input: 2, output: 10, noted: 2026-01-02}", 3.5),
    ],
)
def test_what_was_cached_costs_as_the_rest_unless_the_file_says_otherwise(own: Path, price: str, cost: float) -> None:
    usage = Usage(prompt=1_000_000, cached=250_000)
    assert find(own, price).compute_cost(usage) == pytest.approx(cost)


def test_thoughts_are_paid_for_once_and_more_cached_than_sent_is_no_credit(own: Path) -> None:
    price = find(own, "{input: 4, cached_input: 1, output: 10, noted: 2026-01-02}")
    assert price.compute_cost(Usage(completion=1_000_000, reasoning=900_000)) == pytest.approx(10)
    assert price.compute_cost(Usage(prompt=1_000_000, cached=2_000_000)) == pytest.approx(2)


def test_a_batch_may_be_free(own: Path) -> None:
    price = find(own, "{input: 4, output: 10, batch_share: 0, noted: 2026-01-02}")
    assert price.compute_cost(Usage(prompt=1_000_000), batched=True) == 0
    assert price.compute_cost(Usage(prompt=1_000_000)) == pytest.approx(4)


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


def test_the_nearest_price_holds(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(f"""
endpoints:
  any:
    large: {{input: 1, output: 0, noted: 2026-01-02}}
    large-2026-08-06: {{input: 2, output: 0, noted: 2026-01-02}}
    small: {{input: 3, output: 0, noted: 2026-01-02}}
  {HOST}:
    large: {{input: 4, output: 0, noted: 2026-01-02}}
    large-2026-01-01: {{input: 5, output: 0, noted: 2026-01-02}}
""")
    prices = load_prices(path)

    def read_input(endpoint: str, model: str) -> float | None:
        price = prices.find_price(endpoint, model)
        return None if price is None else price.input

    assert read_input(HOST, "large") == 4
    assert read_input(HOST, "large-2026-01-01") == 5  # its own, before that of the name without the date
    assert read_input(HOST, "large-2026-08-06") == 4  # the endpoint's, before one that holds for all
    assert read_input(HOST, "small") == 3
    assert read_input("http://localhost/v1", "large-2026-08-06") == 2
    assert read_input("http://localhost/v1", "large-2026-09-09") == 1
    for name in ("large-2026-08-06-preview", "large-20260806", "large-2026-8-6", "2026-08-06", "Large"):
        assert read_input(HOST, name) is None
    assert read_input("https://me:secret@MODELS.example.com/v1/?a=b", "large") == 4


def test_a_file_that_is_named_goes_before_that_of_the_environment(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLHERD_PRICES", "/nowhere/prices.yaml")
    assert load_prices(own).find_price(HOST, "large") is not None
    monkeypatch.setenv("TOOLHERD_PRICES", "")
    assert load_prices().find_price("embedded:1", "offline") is not None  # the one that comes with ToolHerd


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
        ("endpoints: {h: {m: {input: 1, output: -1, noted: 2026-01-02}}}", "endpoints.h.m.output"),
        ("endpoints: {h: {m: {input: 1, output: 2}}}", "endpoints.h.m.noted"),
        ("endpoints: {h: {m: {input: 1, output: 2, noted: soon}}}", "endpoints.h.m.noted"),
        ("endpoints: {h: {m: {input: 1, output: 2, cached_input: -1, noted: 2026-01-02}}}", "h.m.cached_input"),
        ("endpoints: {h: {m: {input: 1, output: 2, batch_share: -1, noted: 2026-01-02}}}", "h.m.batch_share"),
        ("endpoints: {h: {m: {input: 1, output: 2, chached: 1, noted: 2026-01-02}}}", "h.m.chached"),
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
    assert f"price list {path}" in str(raised.value)
    assert "see tasks/teacher/prices.yaml for the form, or unset TOOLHERD_PRICES" in str(raised.value)


def test_a_missing_price_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml cannot be read \(No such file or directory\)"):
        load_prices(tmp_path / "none.yaml")
