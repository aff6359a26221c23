"""Who sends a request, among processes that share a store."""

import subprocess
import sys
from pathlib import Path

from tasks.llm.claims import Claims

ONE, OTHER = "1-" + "a" * 64, "1-" + "b" * 64

_HOLD = """
import sys
from pathlib import Path
from tasks.llm.claims import Claims
claims = Claims(Path(sys.argv[1]))
print(claims.take(sys.argv[2]), flush=True)
sys.stdin.read()
"""


def test_a_claim_keeps_other_processes_out_until_it_is_given_back_or_its_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "claims"
    claims = Claims(path)
    command = [sys.executable, "-c", _HOLD, str(path), ONE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not claims.take(ONE)
        assert claims.take(OTHER)
        holder.kill()
    assert claims.take(ONE)
    claims.give_back(ONE)
    claims.close()


def test_within_a_process_a_claim_holds_for_all(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    assert claims.take(ONE)
    assert claims.take(ONE)
    claims.close()
