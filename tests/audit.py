"""Looks all that the lock files pin up in a database of known vulnerabilities, by pip-audit:  make audit

Exit status 0: all was looked up and nothing is known; 1: something is known, told with the version that mends it; 2:
not all could be looked up, which is never taken for good news.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.shown import show_line

LOCKS = Path(__file__).parents[1] / "requirements"
PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--disable-pip", "--no-deps")
_MOST_NAMED = 5


def main(arguments: Sequence[str] = (), command: Sequence[str] = PIP_AUDIT) -> int:
    """Audit, with further arguments for pip-audit, and say what is known; returns the exit status."""
    pins = sorted({pin for path in LOCKS.glob("*.txt") for pin in read_lock(path)})
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins))
        file.flush()
        done = subprocess.run(
            [*command, *arguments, "--format", "json", "--requirement", file.name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = next((line for line in reversed(done.stderr.split("\n")) if line.strip()), "it said nothing")
        print(show_line(f"not audited: no database could be reached; {last}", 250), file=sys.stderr)
        return 2
    return report(found)


def read_lock(path: Path) -> list[str]:
    """What a lock file pins, without hashes: they say nothing of a version that a database would know."""
    text = path.read_text(encoding="utf-8").replace("\\\n", "")
    lines = (re.sub(r"\s*--hash=\S+", "", line).strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def report(found: list[dict[str, Any]]) -> int:
    """Say what is known of the packages, as pip-audit's JSON has them; returns the exit status."""
    for package in found:
        for known in package.get("vulns", ()):
            mended = " or ".join(known["fix_versions"]) or "no version yet"
            print(show_line(f"{package['name']} {package['version']}: {known['id']}, mended in {mended}"))
    unknown = [show_line(package["name"]) for package in found if "skip_reason" in package]
    if unknown or not found:
        some = ", ".join(unknown[:_MOST_NAMED]) + (", …" if len(unknown) > _MOST_NAMED else "")
        print(
            f"not audited: the database has nothing on {len(unknown)} of {len(found)} packages: {some}", file=sys.stderr
        )
    bad = sum(bool(package.get("vulns")) for package in found)
    if not unknown and found and not bad:
        print(f"{len(found)} packages, no known vulnerabilities")
    return 1 if bad else 2 if unknown or not found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
