"""A real browser that a test may lead, over Chromium's debugging pipe: no port, no package."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--no-proxy-server"),
    "--remote-debugging-pipe",
)
_WITH_PIPES = """
import os, sys
from fcntl import F_DUPFD, fcntl
read, write = (fcntl(int(number), F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads commands from descriptor 3 and answers on 4."""

PATIENCE_S = 60.0


class Browser:
    """One tab. Every call may take `PATIENCE_S`; what a page's script throws is an AssertionError."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, os.fdopen(answers, "rb")
        self._buffer, self._number, self._session = b"", 0, ""
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def open(self, url: str) -> None:
        """Go to an address; the page may still be loading."""
        self._send("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """What an expression is, awaited if it is a promise; whatever JSON can hold."""
        done = self._send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """The first value of an expression that counts as true; a page that is just being left may throw meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = self._send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
            if value := done["result"].get("value") if "exceptionDetails" not in done else None:
                return value
            assert time.monotonic() < deadline, f"waited in vain for {script}: {self.read_text()}"
            time.sleep(0.05)

    def click(self, words: str) -> None:
        """Click what bears these words, as soon as it is there: a button, link, or entry of a menu."""
        found = f"""[...document.querySelectorAll('button, a, [role=menuitem], [role=option]')]
            .filter(one => one.textContent.trim() === {json.dumps(words)} && !one.disabled).at(-1)"""
        place = self.wait_for(f"""(() => {{ const one = {found}; if (!one) return null; one.scrollIntoView();
            const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def type_into(self, selector: str, text: str) -> None:
        """Write into a field, as soon as it is there."""
        self.wait_for(f"(document.querySelector({json.dumps(selector)})?.focus(), "
                      f"document.activeElement?.matches({json.dumps(selector)}))")  # fmt: skip
        self._send("Input.insertText", text=text)

    def read_text(self) -> str:
        """What the page shows."""
        return str(self.evaluate("document.body?.innerText"))

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            read = self._answers.read1(65536)
            assert read, "the browser has ended"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextmanager
def open_browser(folder: Path, *options: str) -> Iterator[Browser]:
    """A browser with a profile of its own below a folder, killed at the end."""
    assert CHROMIUM is not None
    profile = tempfile.mkdtemp(prefix="profile-", dir=folder)
    its_commands, commands = os.pipe()
    answers, its_answers = os.pipe()
    with (folder / "browser.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", _WITH_PIPES, str(its_commands), str(its_answers), CHROMIUM, *_OPTIONS,
             f"--user-data-dir={profile}", *options],
            pass_fds=[its_commands, its_answers], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    os.close(its_commands)
    os.close(its_answers)
    try:
        yield Browser(commands, answers)
    finally:
        os.close(commands)
        os.killpg(process.pid, 9)
        process.wait()
