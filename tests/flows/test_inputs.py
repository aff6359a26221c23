"""What a run needs from outside: where its completions are kept; what is bad input is in other files."""

from pathlib import Path

import pytest

from flows.inputs import locate_store
from tasks.completions.store import STORE_NAME
from tasks.datasets import DataRoot


def test_completions_lie_in_the_data_root_or_where_that_is_no_disk_at_prefect_s_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locate_store(DataRoot(str(tmp_path))) == tmp_path / "cache" / STORE_NAME
    remote = DataRoot(f"memory://{tmp_path.name}")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    assert locate_store(remote) == tmp_path / "home" / STORE_NAME
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in ("", None):
        monkeypatch.setenv("PREFECT_HOME", unset or "")
        if unset is None:
            monkeypatch.delenv("PREFECT_HOME")
        assert locate_store(remote) == tmp_path / ".prefect" / STORE_NAME
    monkeypatch.setenv("PREFECT_HOME", "~/there")
    assert locate_store(remote) == tmp_path / "there" / STORE_NAME
