"""A process that has loaded transformers and nothing of ours, as a reader of a model's card would have it.

What it is asked to run, it runs in a fork of its own: the imports, which take longer than all that is asked, are made
once.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

_SERVE = """
import json, os, sys
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        os.dup2(os.open(asked["out"], os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(os.open(asked["err"], os.O_WRONLY | os.O_CREAT), 2)
        sys.argv[1:] = asked["arguments"]
        exec(asked["code"], {"__name__": "__main__"})
        sys.exit()
    print(os.waitpid(child, 0)[1], flush=True)
"""


class BarePython:
    """Starts loading at once, and is waited for when it is first asked for something."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._asked = folder, 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def run(self, code: str, *arguments: str) -> str:
        """What `python -c code arguments...` prints; that it fails is an AssertionError with what it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked += 1
        out, err = (self._folder / f"{self._asked}.{name}" for name in ("out", "err"))
        asked = {"code": code, "arguments": arguments, "out": str(out), "err": str(err)}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        status = self._process.stdout.readline().strip()
        assert status == "0", err.read_text() if err.exists() else "it could not be started"
        return out.read_text()

    def close(self) -> None:
        """End it."""
        self._process.communicate()
