"""Which chat template a model is trained with, and the same without its training marks for the finished model.

A training template marks what the assistant writes by `{% generation %}`; only that is trained. trl ships such variants
of many models' own templates; they are read as files, since importing trl takes ten seconds.
"""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from schemas.base import content_hash
from tasks.trainer.early_ends import TemplateError
from tasks.trainer.rendering import make_render

_FOLDER = Path(__file__).parent / "templates"
_COMMENT_OR_MARKER = re.compile(
    r"\{#(?P<before>-?)(?P<comment>.*?)(?P<after>-?)#\}|\{%(?P<left>-?)\s*(?:end)?generation\s*(?P<right>-?)%\}",
    re.DOTALL,
)
_PROBE_WORDS = ("nameprobe", "keyprobe", "valueprobe", "resultprobe")
_SECOND_WORD = "secondprobe"

MAX_TEMPLATE = 200_000
"""Characters of a model's own template; the longest that trl knows has 20,000."""


@dataclass(frozen=True)
class ChosenTemplate:
    """A template for training and the one that goes with the finished model: the same text, without the marks.

    `name` is `vicuna`, `react`, `llama3`, or for a model's own template the name of trl's variant, `own` where it is
    marked already. One that is not `trusted` came with the model.
    """

    name: str
    training: str
    trusted: bool = True

    @property
    def inference(self) -> str:
        """The template without marks, for engines that do not know them."""
        return strip_markers(self.training)

    @property
    def hash(self) -> str:
        """What a result depends on."""
        return content_hash(self.training)


def strip_markers(template: str) -> str:
    """The template without generation markers and comments: an empty one in their place keeps hold of spaces."""
    return _COMMENT_OR_MARKER.sub(
        lambda found: f"{{#{found['before'] or found['left'] or ''} {found['after'] or found['right'] or ''}#}}",
        template,
    )


def _has_markers(template: str) -> bool:
    return any(found["comment"] is None for found in _COMMENT_OR_MARKER.finditer(template))


def load_template(name: str) -> ChosenTemplate:
    """One of this package's own templates: `vicuna`, `react` or `llama3`."""
    return ChosenTemplate(name, (_FOLDER / f"{name}.jinja").read_text(encoding="utf-8"))


def choose_template(tokenizer: Any, wanted: str) -> ChosenTemplate:
    """The template `wanted`; for `auto` the model's own where it has one for tools, else Vicuna's.

    A model that knows Llama 3's headers or ChatML's, but whose template knows no tools or is not the original, gets the
    one of that family.
    """
    if wanted != "auto":
        return load_template(wanted)
    own = tokenizer.chat_template
    own = own.get("tool_use") or own.get("default") if isinstance(own, dict) else own
    vocabulary = tokenizer.get_vocab()
    if isinstance(own, str) and _is_readable(own):
        marked = ChosenTemplate("own", own, trusted=False) if _has_markers(own) else _find_variant(own)
        if marked is not None and _knows_tools(tokenizer, own, marked.trusted):
            return marked
    if "<|start_header_id|>" in vocabulary:
        return load_template("llama3")
    if "<|im_start|>" in vocabulary:
        return ChosenTemplate("qwen2_5", _read_trl("qwen2_5_training"))
    return load_template("vicuna")


def _is_readable(template: str) -> bool:
    """Whether a model's template has a length that templates have, and ends its comments; ours are far shorter."""
    return 0 < len(template) <= MAX_TEMPLATE and template.rfind("{#") <= template.rfind("#}")


def _knows_tools(tokenizer: Any, template: str, trusted: bool) -> bool:
    """Whether a template writes everything that an episode holds: a call's name and arguments, and its result.

    Two calls made together are part of that: Llama 3.1's own template refuses them.
    """
    name, key, value, result = _PROBE_WORDS
    calls = [
        {"type": "function", "function": {"name": word, "arguments": {key: value}}} for word in (name, _SECOND_WORD)
    ]
    results = [{"role": "tool", "name": word, "content": result} for word in (name, _SECOND_WORD)]
    asked: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
    messages = [*asked, {"role": "assistant", "content": "", "tool_calls": calls}, *results]
    try:
        text, _ = make_render(template, tokenizer.special_tokens_map, trusted=trusted)(messages, None, prompt=False)
    except (jinja2.TemplateError, TypeError, ValueError):
        return False
    return all(word in text for word in (*_PROBE_WORDS, _SECOND_WORD))


def _find_variant(own: str) -> ChosenTemplate | None:
    """trl's training variant of this very template."""
    for path in sorted(_find_trl().glob("*_training.jinja")):
        name = path.stem.removesuffix("_training")
        original = path.with_name(f"{name}.jinja")
        if original.is_file() and original.read_text(encoding="utf-8").strip() == own.strip():
            return ChosenTemplate(name, path.read_text(encoding="utf-8"))
    return None


def _find_trl() -> Path:
    found = importlib.util.find_spec("trl")
    if found is None or not found.submodule_search_locations:
        raise TemplateError("trl is not installed: pip install '.[train]'")
    return Path(found.submodule_search_locations[0]) / "chat_templates"


def _read_trl(stem: str) -> str:
    return (_find_trl() / f"{stem}.jinja").read_text(encoding="utf-8")


VICUNA_RESPONSE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "ASSISTANT:",
    "fields": {
        "tool_calls": {
            "open_pattern": r"\s*<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close_pattern": r"\s*</s>", "content": "text"},
    },
}
"""How transformers' `parse_response` reads what a model trained with Vicuna's template wrote."""
