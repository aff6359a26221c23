"""`make audit`: what was not looked up is never told as if nothing were known of it."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests import audit

KNOWN = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2"], "description": ""}]}
UNMENDED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-\x1b[31m2", "fix_versions": []}]}
GOOD = {"name": "c", "version": "3", "vulns": []}
UNKNOWN = {"name": "d", "skip_reason": "Dependency not found"}


def answer(tmp_path: Path, found: list[Any] | None) -> int:
    """What the audit makes of a program that answers so and ends with status 1, as pip-audit does for two reasons."""
    said = f"print({json.dumps({'dependencies': found})!r})" if found is not None else "print('{')"
    program = tmp_path / "program.py"
    program.write_text(f"import sys\n{said}\nprint('ERROR: no\\x1b way\\n', file=sys.stderr)\nsys.exit(1)")
    return audit.main(command=(sys.executable, str(program)))


@pytest.mark.parametrize(
    ("found", "status", "out", "err"),
    [
        ([GOOD], 0, "1 packages, no known vulnerabilities\n", ""),
        ([GOOD, KNOWN], 1, "a 1: PYSEC-1, mended in 1.1 or 2\n", ""),
        ([UNMENDED], 1, "b 2: CVE- [31m2, mended in no version yet\n", ""),
        ([GOOD, UNKNOWN], 2, "", "not audited: the database has nothing on 1 of 2 packages: d\n"),
        ([UNKNOWN] * 6, 2, "", "not audited: the database has nothing on 6 of 6 packages: d, d, d, d, d, …\n"),
        ([], 2, "", "not audited: the database has nothing on 0 of 0 packages: \n"),
        ([KNOWN, UNKNOWN], 1, "a 1: PYSEC-1, mended in 1.1 or 2\n",
         "not audited: the database has nothing on 1 of 2 packages: d\n"),
        (None, 2, "", "not audited: no database could be reached; ERROR: no way\n"),
    ],
)  # fmt: skip
def test_the_status_tells_what_is_known_from_what_was_not_looked_up(
    found: list[Any] | None, status: int, out: str, err: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(tmp_path, found) == status
    assert tuple(capsys.readouterr()) == (out, err)


def test_all_that_the_lock_files_pin_is_looked_up_by_version() -> None:
    pins = [pin for path in audit.LOCKS.glob("*.txt") for pin in audit.read_lock(path)]
    assert len(pins) > 100
    assert {"torch", "openai", "pytest", "trl"} <= {pin.partition("==")[0] for pin in pins}
    assert [pin for pin in pins if "--hash" in pin or "==" not in pin] == []


@pytest.mark.skipif(find_spec("pip_audit") is None, reason="pip-audit is not installed: `make setup`")
def test_pip_audit_without_a_network_is_no_audit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in {*os.environ, "HTTPS_PROXY"}:
        if name.lower().endswith("_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert audit.main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("not audited: no database could be reached; ")
    assert said.err.count("\n") == 1
