"""Names and versions of datasets: what may be one, which there are, which comes next, which is the newest."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.registry import known_implementations

from schemas.errors import UserError
from tasks.datasets.root import DataRoot
from tasks.datasets.versions import (
    check_dataset_name,
    get_dataset_path,
    list_datasets,
    list_versions,
    next_version,
    read_latest,
    require_new_version,
    resolve_dataset,
)


@pytest.fixture
def two_lines() -> Iterator[str]:
    """An address for which a package is missing; what fsspec says of that has two lines."""
    fsspec.register_implementation("twolines", "no.such.package.Store", errtxt="the first line\nthe second line")
    yield "twolines://bucket/x"
    known_implementations.pop("twolines")


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


def make(root: DataRoot, name: str, *versions: str) -> None:
    """Complete versions."""
    for version in versions:
        root.write_bytes(root.path("datasets", name, version, "manifest.json"), b"{}")


def make_incomplete(root: DataRoot, name: str, version: str) -> None:
    root.write_bytes(root.path("datasets", name, version, "train.parquet"), b"")


def name_latest(root: DataRoot, text: str) -> None:
    root.write_bytes(root.path("datasets", "demo", "latest"), text.encode())


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_root_whose_package_is_missing_is_told_in_the_first_line_of_what_is_said(two_lines: str) -> None:
    with pytest.raises(UserError, match=rf"^data root '{two_lines}' cannot be used: the first line\. Set TOOLHERD"):
        DataRoot(two_lines)


@pytest.mark.parametrize("name", ["a", "0", "a.b_c-d", "v10", "a" * 64, "latest2", "9-lives"])
def test_a_name_of_small_letters_digits_and_marks_is_one(name: str) -> None:
    check_dataset_name(name)


@pytest.mark.parametrize("name", ["", "a" * 65, ".a", "-a", "_a", "A", "aB", "a b", "a/b", "..", "é", "a\n", "latest"])
def test_any_other_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(UserError, match=r"is no dataset name: use 1 to 64 lower-case letters, .* and not 'latest'"):
        check_dataset_name(name)


def test_a_name_or_version_that_is_none_leads_to_no_path(root: DataRoot) -> None:
    assert get_dataset_path(root, "demo", "v1") == root.path("datasets", "demo", "v1")
    with pytest.raises(UserError, match=r"'\.\.' is no dataset name"):
        get_dataset_path(root, "..", "v1")
    with pytest.raises(UserError, match=r"'\.\.' is no dataset version"):
        get_dataset_path(root, "demo", "..")


def test_versions_are_listed_by_number_and_then_the_named_by_name(root: DataRoot) -> None:
    make(root, "demo", "v10", "v9", "named", "v2", "v1b", "alpha", "xv1")
    assert list_versions(root, "demo") == ("v2", "v9", "v10", "alpha", "named", "v1b", "xv1")


def test_only_folders_with_a_manifest_and_no_dot_before_their_name_are_versions(root: DataRoot) -> None:
    make(root, "demo", "v1", ".v2.abcd.tmp")
    make_incomplete(root, "demo", "v3")
    root.write_bytes(root.path("datasets", "demo", "v4"), b"a file")
    assert list_versions(root, "demo") == ("v1",)
    assert list_versions(root, "none") == ()


@pytest.mark.parametrize(
    ("there", "following"),
    [
        ([], "v1"),
        (["v1"], "v2"),
        (["v9"], "v10"),
        (["v9", "v10"], "v11"),
        (["v1", "v5"], "v6"),
        (["v007"], "v8"),
        (["named", "v3b", "xv7", "v"], "v1"),
        ([".v8.abcd.tmp"], "v1"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_the_next_version_is_one_past_the_highest_number(root: DataRoot, there: list[str], following: str) -> None:
    make(root, "demo", *there)
    make(root, "other", "v20")
    assert next_version(root, "demo") == following


def test_the_next_version_passes_over_one_that_was_never_completed(root: DataRoot) -> None:
    make(root, "demo", "v1")
    make_incomplete(root, "demo", "v2")
    assert next_version(root, "demo") == "v3"


def test_the_next_version_of_what_is_no_name_is_refused(root: DataRoot) -> None:
    with pytest.raises(UserError, match="is no dataset name"):
        next_version(root, "../demo")


def test_a_new_version_is_one_that_is_not_there_not_even_in_part(root: DataRoot) -> None:
    make(root, "demo", "v1")
    make_incomplete(root, "demo", "v2")
    require_new_version(root, "demo", "v3")
    for version in ("v1", "v2"):
        with pytest.raises(UserError, match=f"dataset demo already has a version {version}: choose another"):
            require_new_version(root, "demo", version)


def test_datasets_are_those_with_a_complete_version_by_name(root: DataRoot) -> None:
    assert list_datasets(root) == ()
    make(root, "b", "v1")
    make(root, "a", "v1", "v2")
    make_incomplete(root, "c", "v1")
    make(root, ".hidden", "v1")
    assert list_datasets(root) == ("a", "b")


@pytest.mark.parametrize(
    ("named", "latest"),
    [("v1\n", "v1"), ("v1", "v1"), ("v10\n", "v10"), (None, "v10"), ("v3\n", "v10"), ("v4\n", "v10"), ("", "v10")],
    ids=["older", "no line end", "newest", "no file", "incomplete", "gone", "empty file"],
)
def test_the_latest_is_what_the_file_names_if_it_is_complete_else_the_highest(
    root: DataRoot, named: str | None, latest: str
) -> None:
    make(root, "demo", "v1", "v9", "v10")
    make_incomplete(root, "demo", "v3")
    if named is not None:
        name_latest(root, named)
    assert read_latest(root, "demo") == latest


def test_without_a_complete_version_there_is_no_latest(root: DataRoot) -> None:
    assert read_latest(root, "demo") is None
    make_incomplete(root, "demo", "v1")
    name_latest(root, "v1\n")
    assert read_latest(root, "demo") is None


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (("demo",), "v1"),
        (("demo/",), "v1"),
        (("demo/v2",), "v2"),
        (("demo", "v2"), "v2"),
    ],
    ids="+".join,
)
def test_a_dataset_is_the_latest_or_the_version_given(root: DataRoot, given: tuple[str, ...], found: str) -> None:
    make(root, "demo", "v1", "v2")
    make(root, "other", "v3")
    name_latest(root, "v1\n")
    assert str(resolve_dataset(root, *given)) == str(root.path("datasets", "demo", found))


def test_a_folder_with_a_manifest_is_a_dataset_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = DataRoot(str(tmp_path / "data"))
    make(root, "demo", "v1", "v2")
    make(DataRoot(str(tmp_path)), "far", "v7")
    far = tmp_path / "datasets" / "far" / "v7"
    assert str(resolve_dataset(root, str(far))) == str(far)
    # A folder of the name of a dataset is passed over where a version is given: it is a name then.
    monkeypatch.chdir(tmp_path)
    far.rename(tmp_path / "demo")
    assert str(resolve_dataset(root, "demo")) == "demo"
    assert str(resolve_dataset(root, "demo", "v2")) == str(root.path("datasets", "demo", "v2"))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("other",), r"no dataset 'other' in .* \(there is: demo, next\)"),
        (("other/v1",), r"no dataset 'other' in .* \(there is: demo, next\)"),
        (("other", "v1"), r"no dataset 'other' in .* \(there is: demo, next\)"),
        (("half",), r"no dataset 'half' in .* \(there is: demo, next\)"),
        (("half/v1",), r"no dataset 'half' in .* \(there is: demo, next\)"),
        (("demo/v9",), r"dataset demo has no version 'v9' \(it has: v1, v2\)"),
        (("demo", "v3"), r"dataset demo has no version 'v3' \(it has: v1, v2\)"),
        (("/no/such",), "no dataset at '/no/such': it is neither a dataset's name nor a folder with manifest.json"),
        (("Demo", "v1"), "no dataset at 'Demo': it is neither a dataset's name nor a folder with manifest.json"),
        (("odd://x",), "no dataset at 'odd://x': "),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_a_dataset_that_is_not_there_is_told_in_one_line(root: DataRoot, given: tuple[str, ...], line: str) -> None:
    make(root, "demo", "v1", "v2")
    make(root, "next", "v1")
    make_incomplete(root, "demo", "v3")
    make_incomplete(root, "half", "v1")
    with pytest.raises(UserError, match=line) as caught:
        resolve_dataset(root, *given)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_place_that_cannot_be_looked_at_is_told_in_the_first_line_of_what_is_said(
    root: DataRoot, two_lines: str
) -> None:
    with pytest.raises(UserError, match=rf"^no dataset at '{two_lines}': the first line\.$"):
        resolve_dataset(root, two_lines)
    with pytest.raises(UserError, match=r"^no dataset at 'x+': .*File name too long"):
        resolve_dataset(root, "x" * 5000)


def test_where_there_is_no_dataset_at_all_the_line_says_how_to_make_one(root: DataRoot) -> None:
    with pytest.raises(UserError, match=r"there is: none yet; `make dataset` makes one"):
        resolve_dataset(root, "demo")
