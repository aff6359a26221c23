"""Renders conversations by chat templates:  python -m tasks.trainer.rendering  (started by this module)

Every template is rendered by transformers, in jinja's sandbox for what is not trusted. That keeps a template from
reaching for attributes and files; from looping without end and from eating up memory it does not. So what a model
brings is rendered in a process beside this one, one conversation at a time, under limits of time and memory.

The process reads requests from its standard input and answers on its standard output, one JSON object a line each. It
ends with its input, and at a request that takes too long. Needs transformers, and no torch.
"""

import atexit
import json
import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from schemas.environment import pick_environment
from tasks.trainer.early_ends import TemplateError

LIMIT_S = 4.0
"""Seconds of the processor for one conversation; a template of a thousand lines takes some milliseconds."""

MEMORY = 2**30
"""Bytes that a template may take."""

MAX_LENGTH = 10_000_000
"""Characters of a conversation, as rendered."""

_MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")
_FOLDER = Path(__file__).parents[2]

Rendered = tuple[str, list[tuple[int, int]]]
"""A text, and where in it the assistant's parts begin and end."""


class Render(Protocol):
    """Renders messages, with or without tools, and with the beginning of an answer or without."""

    def __call__(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None, prompt: bool) -> Rendered:
        """The text and its spans. Raises TemplateError, or what a template of ours raises."""


def make_render(template: str, special: dict[str, Any], *, trusted: bool) -> Render:
    """What renders by a template, given the tokenizer's special tokens; `trusted` ones in this process."""

    def render(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None, prompt: bool) -> Rendered:
        if trusted:
            return _render(template, special, messages, tools, prompt)
        request = {"template": template, "special": special, "messages": messages, "tools": tools, "prompt": prompt}
        return _ask(request)

    return render


def _render(
    template: str,
    special: dict[str, Any],
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    prompt: bool,
) -> Rendered:
    from transformers.utils.chat_template_utils import render_jinja_template

    has_marks = _MARK.search(template) is not None
    texts, spans = render_jinja_template(
        conversations=[messages],
        tools=tools or None,
        chat_template=template,
        return_assistant_tokens_mask=has_marks,
        add_generation_prompt=prompt,
        **special,
    )
    return texts[0], spans[0] if has_marks else []


def _ask(request: dict[str, Any]) -> Rendered:
    """The answer of the process beside; it is started where it is not there. Raises TemplateError."""
    process = _start()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except OSError:
        line = b""
    if not line.endswith(b"\n"):
        _start.cache_clear()
        late = _end(process) == -signal.SIGPROF
        how = f"took more than {LIMIT_S:.0f} s" if late else "ended the process that it was rendered in"
        raise TemplateError(f"the model's own chat template {how}; choose another (--template vicuna)")
    answer = json.loads(line)
    if "error" in answer:
        raise TemplateError(f"the model's own chat template fails: {answer['error']}")
    return answer["text"], [(begin, end) for begin, end in answer["spans"]]


@cache
def _start() -> subprocess.Popen[bytes]:
    paths = [str(_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(LIMIT_S)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**pick_environment(), "PYTHONPATH": os.pathsep.join(paths)},
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> int:
    """The status with which the process ends, now that nothing is asked of it any more."""
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            assert stream is not None
            stream.close()
    return process.wait()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        text, spans = _render(**request)
    except Exception as error:  # whatever a template runs into
        return {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    if len(text) > MAX_LENGTH:
        return {"error": f"it writes more than {MAX_LENGTH:,} characters"}
    return {"text": text, "spans": spans}


def _limit_memory() -> None:
    """So that a template gets MEMORY bytes beside what this process has; where that can be known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))


def _main(limit_s: float) -> None:
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints must not get between the answers
    import transformers.utils.chat_template_utils  # noqa: F401 - before the limits hold

    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, in the middle of whatever it is at
    _limit_memory()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        answer = _answer(request)
        signal.setitimer(signal.ITIMER_PROF, 0)
        channel.write(json.dumps(answer).encode() + b"\n")
        channel.flush()


if __name__ == "__main__":
    _main(float(sys.argv[1]))
