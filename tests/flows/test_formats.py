"""What earlier versions of ToolHerd left in a data root is gone on with; what a newer one left is turned down."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flows.build_dataset import build_dataset
from flows.command_line import main
from schemas.manifest import FORMAT
from schemas.parameters import BuildDatasetParams
from tasks.completions.store import FORMAT as STORE_FORMAT
from tasks.completions.store import STORE_NAME
from tasks.datasets import DataRoot, list_versions, read_manifest
from tests.kept_formats import list_contents, list_datasets, list_stores, place


def read_parameters(dataset: Path) -> BuildDatasetParams:
    """The run that made a kept dataset."""
    return BuildDatasetParams.model_validate(read_manifest(DataRoot(str(dataset)).path()).facts.parameters)


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize("dataset", list_datasets(), ids=lambda path: path.name)
def test_the_run_that_made_a_dataset_of_an_older_format_can_be_repeated(dataset: Path, data_root: DataRoot) -> None:
    data = Path(data_root.url)
    folder = place(dataset, data)
    store = data / "cache" / STORE_NAME
    store.parent.mkdir()
    shutil.copy(list_stores()[0], store)
    before = list_contents(folder)
    again = asyncio.run(build_dataset(read_parameters(dataset).model_copy(update={"export": ("trl",)})))
    assert again.dataset.version in {"v1", "v2"}  # the same rows, or those that the embedded teacher makes today
    assert list_versions(data_root, "demo")[-1] == again.dataset.version
    assert {name: data for name, data in list_contents(folder).items() if not name.startswith("exports/")} == before


@pytest.mark.usefixtures("data_root")
@pytest.mark.parametrize("flow", ["build_dataset", "refresh_dataset"])
def test_a_run_that_would_be_compared_with_a_newer_format_is_bad_input(
    flow: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place(list_datasets()[-1], tmp_path / "data", FORMAT + 1)
    before = list_contents(tmp_path)
    assert main(flow, ["--name", "demo"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"v1/manifest.json is a dataset of format {FORMAT + 1}, and this ToolHerd reads" in err
    assert list_contents(tmp_path) == before


def test_a_run_beside_a_store_of_a_newer_format_is_bad_input_and_leaves_it_alone(
    data_root: DataRoot, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Path(data_root.url) / "cache" / STORE_NAME
    store.parent.mkdir(parents=True)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(f"PRAGMA user_version = {STORE_FORMAT + 1}")
    before = list_contents(store.parent)
    assert main("build_dataset", ["--name", "demo"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"completion store of format {STORE_FORMAT + 1}, and this ToolHerd reads" in err
    assert "install a newer ToolHerd" in err
    assert list_contents(Path(data_root.url)) == {f"cache/{name}": data for name, data in before.items()}
