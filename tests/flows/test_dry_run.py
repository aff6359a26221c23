"""`--dry-run`: an estimate that costs nothing and writes nothing."""

import asyncio
import re
from pathlib import Path

import pytest

from flows.command_line import main
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tasks.forecast import forecast
from tasks.sources import read_catalog, select_entries


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
    assert rows["document"][0] == rows["specify"][0] == "100"
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
    half = asyncio.run(forecast([*entries, *entries], entries, params))
    assert [row.calls for row in half.stages] == [2 * row.calls for row in found.stages]


def test_a_toolset_takes_no_instructions_and_no_episodes() -> None:
    entries = select_entries(read_catalog("bundled"), limit=1)
    found = asyncio.run(forecast(entries, entries, BuildToolsetParams()))
    assert [row.stage for row in found.stages] == ["document", "specify"]


def test_bad_input_is_bad_input_here_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("build_dataset", ["--dry-run", "0"]) == 2
    assert main("build_dataset", ["--dry-run", "--categories", "Anmials"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
