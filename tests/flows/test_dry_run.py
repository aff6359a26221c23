"""`--dry-run`: an estimate that costs nothing and writes nothing."""

import asyncio
import datetime
import re
from pathlib import Path

import pytest

from flows.command_line import main
from flows.dry_run import render_forecast
from schemas.calls import Stage
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tasks.cost_forecast import Forecast, StageForecast, forecast
from tasks.sources import read_catalog, select_entries
from tasks.teacher import Price
from tests.flows.parts import write_document


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    return tmp_path / "data"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main("build_dataset", [*arguments, "--instructions", "2"]) == 0
    return capsys.readouterr().out


def test_it_tells_calls_tokens_and_cost_of_each_stage_in_80_columns_and_writes_nothing(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = "endpoints: {any: {gpt-x: {input: 1, output: 1000, noted: 2026-11-01}}}"
    (tmp_path / "prices.yaml").write_text(prices)
    monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))
    said = run(capsys, "--dry-run", "2", "--apis", "100", "--teacher.model", "gpt-x")
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines() if re.match(r"[a-z]+ .*\$", line)}
    assert list(rows) == ["document", "specify", "instruct", "simulate", "all"]
    assert rows["document"][0] == "100"
    assert 400 <= int(rows["specify"][0]) <= 800  # each function by itself
    counts = [int(rows[stage][0].replace(",", "")) for stage in rows]
    assert sum(counts[:-1]) == counts[-1]
    assert "what 100 APIs are likely to take of gpt-x, by 2 of them" in said
    assert "as of 2026-11-01" in said
    assert max(map(len, said.splitlines())) <= 80
    assert not data_root.exists()


def test_an_unknown_price_is_not_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "--dry-run", "1", "--apis", "1", "--teacher.model", "gpt-x")
    assert "unknown" in said
    assert "$" not in said


def test_batches_cost_half_where_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prices.yaml").write_text("endpoints: {any: {gpt-x: {input: 100, output: 100, noted: 2026-11-01}}}")
    monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))

    def cost(said: str, stage: str) -> float:
        line = next(line for line in said.splitlines() if line.startswith(stage))
        return float(line.rpartition("$")[2].replace(",", ""))

    chosen = ("--dry-run", "1", "--apis", "1", "--teacher.model", "gpt-x")
    online, batched = run(capsys, *chosen), run(capsys, *chosen, "--teacher.batch")
    assert cost(batched, "document") == pytest.approx(cost(online, "document") / 2, rel=0.05)
    assert cost(batched, "simulate") == cost(online, "simulate")


def test_an_estimate_from_all_apis_is_what_the_embedded_teacher_really_takes() -> None:
    params = BuildDatasetParams(instructions=3)
    entries = select_entries(read_catalog("bundled"), limit=3)
    found = asyncio.run(forecast(entries, entries, params))
    assert (found.apis, found.sampled) == (3, 3)
    assert (found.rows, 0.6 < found.repeated < 1) == (9, True)
    half = asyncio.run(forecast([*entries, *entries], entries, params))
    assert (half.rows, half.repeated) == (18, found.repeated)
    assert [row.calls for row in half.stages] == [2 * row.calls for row in found.stages]


def test_a_toolset_takes_no_instructions_and_no_episodes() -> None:
    entries = select_entries(read_catalog("bundled"), limit=1)
    found = asyncio.run(forecast(entries, entries, BuildToolsetParams()))
    assert [row.stage for row in found.stages] == ["document", "specify"]
    assert (found.rows, found.repeated) == (0, 0.0)


def test_bad_input_is_bad_input_here_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("build_dataset", ["--dry-run", "0"]) == 2
    assert main("build_dataset", ["--dry-run", "--categories", "Anmials"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def make_row(stage: Stage, calls: int, cost: float | None) -> StageForecast:
    return StageForecast(
        stage=stage, calls=calls, prompt_tokens=100 * calls, completion_tokens=10 * calls, cost_usd=cost
    )


PRICE = Price(input=0.4, output=1.6, noted=datetime.date(2026, 11, 1))


def test_the_forecast_is_a_table_with_a_last_line_for_all() -> None:
    rows = (make_row("document", 1000, 0.5), make_row("simulate", 12_345, 120.0))
    told = render_forecast(
        Forecast(apis=1000, sampled=5, stages=rows, price=PRICE),
        BuildDatasetParams.model_validate({"teacher": {"model": "gpt-x"}}),
    )
    table, _, words = told.partition("\n\nThe embedded")
    assert table.splitlines() == [
        "dry run: what 1,000 APIs are likely to take of gpt-x, by 5 of them",
        "",
        "stage          calls     prompt tokens   completion tokens        cost",
        "document       1,000           100,000              10,000       $0.50",
        "simulate      12,345         1,234,500             123,450        $120",
        "all           13,345         1,334,500             133,450        $120",
    ]
    assert "Price: $0.4 in, $1.6 out per million tokens, as of 2026-11-01." in words
    assert "Batch API" not in words
    assert max(map(len, told.splitlines())) <= 80


def test_what_a_row_takes_is_told_where_there_are_rows() -> None:
    rows = (make_row("document", 10, 0.5), make_row("simulate", 90, 1.0))
    found = Forecast(apis=1, sampled=1, stages=rows, price=PRICE, rows=4, repeated=0.814)
    told = " ".join(render_forecast(found, BuildDatasetParams()).split())
    assert "A row takes about 2,750 tokens. 81% of the assistant's prompts repeat the beginning of an earlier" in told
    none = found.model_copy(update={"rows": 0})
    assert "A row takes" not in render_forecast(none, BuildDatasetParams())


def test_a_cost_that_is_known_of_some_stages_only_is_unknown_in_all() -> None:
    rows = (make_row("document", 1, 0.5), make_row("simulate", 1, None))
    told = render_forecast(Forecast(apis=1, sampled=1, stages=rows, price=None), BuildDatasetParams())
    assert [line.split()[-1] for line in told.splitlines()[3:6]] == ["$0.50", "unknown", "unknown"]
    assert "No price is known for offline" in told


def test_what_goes_in_batches_is_told() -> None:
    params = BuildDatasetParams.model_validate({"teacher": {"model": "gpt-x", "batch": True}})
    told = render_forecast(Forecast(apis=1, sampled=1, stages=(), price=PRICE), params)
    assert "go through the Batch API" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--dry-run",), "what 50 APIs are likely to take of offline, by 5 of them"),
        (("--dry-run", "2", "--names", "Yelp"), "what 1 APIs are likely to take of offline, by 1 of them"),
        (("--dry-run", "1", "--apis", "3"), "what 3 APIs are likely to take of offline, by 1 of them"),
        (("--dry-run", "1", "--apis", "all", "--names", "Yelp", "Steem"), "what 2 APIs are likely to take"),
        (("--dry-run", "1", "--apis", "all", "--auth", "none", "--names", "Yelp", "Agify.io"), "what 1 APIs"),
    ],
)
def test_a_sample_is_drawn_of_the_apis_that_the_run_would_take(
    arguments: tuple[str, ...], told: str, data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in run(capsys, *arguments, "--instructions", "1")
    assert not data_root.exists()


def test_where_no_document_of_the_sample_is_of_use_that_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "documents").mkdir()
    write_document(tmp_path / "documents" / "empty.json", paths={})
    assert main("build_dataset", ["--dry-run", "3", "--catalog", str(tmp_path / "documents")]) == 2
    assert capsys.readouterr().err == "error: none of the 1 APIs that were drawn has a document that can be used\n"


def test_a_dry_run_needs_no_folder_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "file"))
    assert "dry run: what 1 APIs" in run(capsys, "--dry-run", "1", "--apis", "1")
    assert main("build_dataset", ["--apis", "1"]) == 2
