"""Conversations as token ids and labels: what the assistant wrote keeps its label, everything else is IGNORED.

The spans come from the template's generation markers, as characters, and are laid onto the tokens by their offsets.
Needs transformers for the template's rendering, and no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.trainer.chat_templates import ChosenTemplate
from tasks.trainer.conversations import Conversation
from tasks.trainer.early_ends import TemplateError
from tasks.trainer.rendering import make_render

IGNORED = -100

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Encoded:
    """One conversation: token ids, and labels of the same length."""

    ids: Ids
    labels: Ids

    @property
    def trained(self) -> int:
        """How many tokens have a label."""
        return int((self.labels != IGNORED).sum())


class Encoder:
    """Renders, tokenises and masks with one tokenizer and one template.

    Raises:
        TemplateError: the tokenizer is none of the fast ones, which know each token's place in the text.
    """

    def __init__(self, tokenizer: Any, template: ChosenTemplate) -> None:
        if not tokenizer.is_fast:
            raise TemplateError(f"{type(tokenizer).__name__} does not tell where its tokens lie; a fast one is needed")
        self._tokenizer, self._template = tokenizer, template
        self._controls = np.array(sorted(tokenizer.get_added_vocab().values()), dtype=np.int32)
        self._text_of = make_render(template.training, tokenizer.special_tokens_map, trusted=template.trusted)
        self._lead = self._measure_lead()

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Each conversation with its labels.

        Raises:
            TemplateError: the tokenizer joins the template's text and the assistant's in one token.
        """
        rendered = [self._render(one.messages, one.tools) for one in conversations]
        tokens = self._tokenizer(
            [text for text, _ in rendered], add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        pairs = zip(tokens["input_ids"], tokens["offset_mapping"], rendered, strict=True)
        return [self._mask(np.array(ids, np.int32), np.array(offsets), text, spans)
                for ids, offsets, (text, spans) in pairs]  # fmt: skip

    def _render(self, messages: Any, tools: Any, prompt: bool = False) -> tuple[str, list[tuple[int, int]]]:
        return self._text_of(messages, tools or None, prompt)

    def _measure_lead(self) -> int:
        """Characters at the beginning of each span that the generation prompt already holds.

        Qwen 2.5's variant marks the line's end after `<|im_start|>assistant`, which the prompt ends with.
        """
        asked = [{"role": "user", "content": "question"}]
        prompt, _ = self._render(asked, None, prompt=True)
        _, spans = self._render([*asked, {"role": "assistant", "content": "answer"}], None)
        if not spans:
            raise TemplateError(f"the template {self._template.name} marks nothing as the assistant's")
        return max(0, len(prompt) - spans[0][0])

    def _mask(self, ids: Ids, offsets: npt.NDArray[np.int64], text: str, spans: list[tuple[int, int]]) -> Encoded:
        labels = np.full_like(ids, IGNORED)
        starts, ends = offsets.reshape(-1, 2).T
        for begin, end in spans:
            begin += self._lead
            first = int(np.searchsorted(ends, begin, side="right"))
            last = int(np.searchsorted(starts, end, side="left"))
            if first < last and (starts[first] < begin or ends[last - 1] > end):
                raise TemplateError(
                    f"the tokenizer joins the prompt's text and the assistant's: "
                    f"{text[starts[first] : begin]!r} with {text[begin : ends[first]]!r}; choose another template"
                )
            last = self._cut_after_end(ids, first, last, text, starts)
            labels[first:last] = ids[first:last]
        return Encoded(ids, labels)

    def _cut_after_end(self, ids: Ids, first: int, last: int, text: str, starts: npt.NDArray[np.int64]) -> int:
        """Without the space that a template marks after the end token: nobody generates it."""
        controls = np.flatnonzero(np.isin(ids[first:last], self._controls))
        if not controls.size:
            return last
        after = first + int(controls[-1]) + 1
        return after if after < last and not text[starts[after] : starts[last - 1] + 1].strip() else last
