"""What an instruction must not do with its words: repeat an earlier one, or name its API."""

import functools
import re
from collections.abc import Iterable

from tasks.quality.dedupe import make_shingles, measure_jaccard
from tasks.values.folding import fold_text

THRESHOLD = 0.8
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"""(?:^|[.!?:;\n"“(])["'“(*\s]*$""")
_TRIVIAL = frozenset({"api", "apis", "the"})

_get_shingles = functools.lru_cache(maxsize=1 << 11)(make_shingles)
"""An instruction is compared with all earlier ones of its API: enough for those of the APIs that are on their way."""


def is_repeated(text: str, earlier: Iterable[str]) -> bool:
    """Whether a text says what an earlier one says: the same after folding, or Jaccard over 0.8 on 3-word shingles."""
    shingles = _get_shingles(text)
    return any(measure_jaccard(shingles, _get_shingles(other)) > THRESHOLD for other in earlier)


def names_api(text: str, api_name: str) -> bool:
    """Whether an instruction names its API.

    A name with a spelling of its own (a digit, a capital or a point inside a word, one word of ten letters or more) is
    found in any case. A name of ordinary words (`Weather`, `Dog Facts`) is found only where its words are capitalised
    as a name's are, and at least one of them not merely because a sentence starts: `the weather in Rome` names nothing.
    """
    words = [word for word in _WORD.findall(api_name) if word.lower() not in _TRIVIAL]
    if not words:
        return False
    pattern = r"(?<![^\W_])" + r"[\W_]*".join(re.escape(fold_text(word)) for word in words) + r"(?![^\W_])"
    distinctive = _is_distinctive(api_name, words)
    for match in re.finditer(pattern, _fold_keeping_length(text)):
        if distinctive or _is_written_as_name(text, match.start(), match.end()):
            return True
    return False


def _fold_keeping_length(text: str) -> str:
    """Folded character by character, so that places in the result are places in the text."""
    return "".join((fold_text(char) or char)[:1] for char in text)


def _is_distinctive(api_name: str, words: list[str]) -> bool:
    if re.search(r"\w[.]\w", api_name) or (len(words) == 1 and len(words[0]) >= 10):
        return True
    return any(
        any(c.isdigit() for c in word) or (any(c.isupper() for c in word[1:]) and (not word.isupper() or len(word) > 4))
        for word in words
    )


def _is_written_as_name(text: str, start: int, end: int) -> bool:
    spans = [(start + m.start(), m.group()) for m in _WORD.finditer(text[start:end])]
    if not all(word[0].isupper() or len(word) <= 3 for _, word in spans):
        return False
    return any(word[0].isupper() and not _SENTENCE_END.search(text[:place]) for place, word in spans)
