"""Whatever a document asks for, it ends in time, in little memory, and in a line."""

import json
import subprocess
import sys
from pathlib import Path

MOST_MEMORY_MB = 600


def test_hostile_documents_end_in_time_in_little_memory_and_in_a_line() -> None:
    command = [sys.executable, "-m", "tests.tasks.openapi.hostile_documents", "25", "120"]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["memory_mb"] < MOST_MEMORY_MB
