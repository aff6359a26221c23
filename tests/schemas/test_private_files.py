"""Files that only their owner may read, whatever the umask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.private_files import close_to_others, make_private_folder, open_private


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """The umask of somebody who shares everything."""
    before = os.umask(0)
    yield
    os.umask(before)


def read_mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_folder_is_made_closed_and_those_above_it_as_the_umask_says(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "above" / "home")
    assert read_mode(tmp_path / "above" / "home") == 0o700
    assert read_mode(tmp_path / "above") == 0o777


@pytest.mark.parametrize(("mode", "closed"), [(0o755, 0o700), (0o2770, 0o2700), (0o700, 0o700), (0o500, 0o500)])
def test_a_folder_that_is_there_is_closed(mode: int, closed: int, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(mode)
    (tmp_path / "link").symlink_to(folder)
    make_private_folder(tmp_path / "link")
    assert read_mode(folder) == closed


@pytest.mark.parametrize(("mode", "closed"), [(0o644, 0o600), (0o664, 0o600), (0o755, 0o700), (0o440, 0o400)])
def test_a_file_loses_what_others_may(mode: int, closed: int, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(mode)
    close_to_others(tmp_path / "file")
    assert read_mode(tmp_path / "file") == closed


def test_what_a_link_leads_to_is_not_ours_to_close_and_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    close_to_others(tmp_path / "link")
    close_to_others(tmp_path / "nothing")
    assert read_mode(tmp_path / "file") == 0o666


def test_a_file_that_is_made_is_never_open(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w", opener=open_private) as file:
        assert read_mode(tmp_path / "file") == 0o600
        file.write("x")
