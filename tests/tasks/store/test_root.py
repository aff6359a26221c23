import os
from pathlib import Path

import pytest

from schemas.errors import UserError
from tasks.store.root import ROOT_VARIABLE, DataRoot

PAYLOAD = {"messages": ["plain", "Ångström 🐑", "half a pair: \ud83d"], "score": 0.1, "none": None}


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


def test_an_artifact_comes_back_as_it_was(root: DataRoot) -> None:
    ref = root.write_artifact("episodes", "open-trails", "abc123", PAYLOAD, {"episodes": 3})
    assert ref.path == "episodes/open-trails/abc123.json"
    assert root.read_artifact(ref) == PAYLOAD
    assert root.find_artifact("episodes", "open-trails", "abc123") == ref


def test_what_was_never_written_is_missing(root: DataRoot) -> None:
    assert root.find_artifact("toolset", "open-trails", "abc123") is None


@pytest.mark.parametrize("keep", [0, 1, 40, 150, -1, -3])
def test_a_torn_artifact_counts_as_missing(root: DataRoot, keep: int) -> None:
    ref = root.write_artifact("toolset", "open-trails", "abc123", PAYLOAD)
    path = root.path(ref.path)
    path.write_bytes(path.read_bytes()[:keep])
    assert root.read_artifact(ref) is None
    assert root.find_artifact("toolset", "open-trails", "abc123") is None


def test_another_content_under_the_same_name_is_not_what_the_reference_names(root: DataRoot) -> None:
    ref = root.write_artifact("toolset", "open-trails", "abc123", {"n": 1})
    root.write_artifact("toolset", "open-trails", "abc123", {"n": 2})
    assert root.read_artifact(ref) is None


@pytest.mark.parametrize("api_id", ["../outside", "", "a/b", ".hidden"])
def test_a_name_that_is_no_file_name_is_refused(root: DataRoot, api_id: str) -> None:
    with pytest.raises(ValueError, match="not safe"):
        root.write_artifact("toolset", api_id, "abc123", {})


def test_a_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    root.write_bytes(root.path("a", "b.json"), b"1")
    assert os.listdir(tmp_path / "a") == ["b.json"]


def test_a_root_that_can_be_written_is_left_clean(tmp_path: Path) -> None:
    DataRoot(str(tmp_path / "new")).require_writable()
    assert os.listdir(tmp_path / "new") == []


def test_a_root_that_cannot_be_written_gets_one_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be written.*TOOLHERD_DATA_ROOT") as caught:
        DataRoot(str(tmp_path / "file" / "data")).require_writable()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense://bucket/x"])
def test_an_unknown_kind_of_url_gets_one_line(url: str) -> None:
    with pytest.raises(UserError, match="cannot be used") as caught:
        DataRoot(url)
    assert "\n" not in str(caught.value)


def test_the_environment_names_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "elsewhere"))
    assert DataRoot.from_environment().url == str(tmp_path / "elsewhere")
    monkeypatch.delenv(ROOT_VARIABLE)
    monkeypatch.chdir(tmp_path)
    assert DataRoot.from_environment().url == str(tmp_path / "data")
