"""What is trained: exactly the assistant's thoughts, calls and responses with their end, in every template.

The oracle below writes down what each template should train, from the messages alone; where each turn must begin is
where the prompt ends that inference would send, so that both are held against something that knows no markers.
"""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("transformers", reason="the train extra is not installed: make setup-train")

from tasks.trainer.chat_templates import ChosenTemplate, choose_template
from tasks.trainer.conversations import Conversation, build_conversation
from tasks.trainer.early_ends import TemplateError
from tasks.trainer.masking import IGNORED, Encoded, Encoder
from tasks.trainer.prepare import make_cleaner
from tests.tasks.trainer.episodes import SHAPES, call, make_row, result, say, user

Message = dict[str, Any]
Turn = tuple[list[Message], str]

FAMILIES = ("vicuna", "react", "qwen2_5", "qwen3", "llama3")
ENDS = {"vicuna": "</s>", "react": "</s>", "qwen2_5": "<|im_end|>", "qwen3": "<|im_end|>", "llama3": "<|eot_id|>"}


def write_call(one: Message, key: str = "arguments") -> str:
    function = one["function"]
    arguments = json.dumps(function["arguments"], ensure_ascii=False)
    return f'{{"name": {json.dumps(function["name"])}, "{key}": {arguments}}}'


def expect_turns(family: str, messages: Sequence[Message]) -> list[Turn]:
    """For each thing that the assistant writes: the messages before it, and the text that must be trained."""
    if family == "react":
        return expect_react(messages)
    turns = []
    for place, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        calls = message.get("tool_calls", [])
        if family == "llama3":
            written = "; ".join(write_call(one, "parameters") for one in calls)
            text = "\n".join(part for part in (message["content"], written) if part)
        else:
            tagged = [f"<tool_call>\n{write_call(one)}\n</tool_call>" for one in calls]
            text = "\n".join(part for part in (message["content"], *tagged) if part)
        before = {"vicuna": " ", "qwen3": "<think>\n\n</think>\n\n"}.get(family, "")
        turns.append((list(messages[:place]), before + text + ENDS[family]))
    return turns


def expect_react(messages: Sequence[Message]) -> list[Turn]:
    """ToolAlpaca knows one call a turn: those made together are turns of their own, the later without a thought."""
    turns: list[Turn] = []
    history: list[Message] = []
    position = 0
    while position < len(messages):
        message = messages[position]
        calls = message.get("tool_calls", [])
        if message["role"] != "assistant":
            history.append(message)
        elif calls:
            for number, one in enumerate(calls):
                thought = message["content"] if number == 0 else ""
                name, arguments = one["function"]["name"], json.dumps(one["function"]["arguments"], ensure_ascii=False)
                turns.append(
                    (list(history), f" {thought}\nASSISTANT Action: {name}\nASSISTANT Action Input: {arguments}\n")
                )
                history += [{**message, "content": thought, "tool_calls": [one]}, messages[position + 1 + number]]
            position += len(calls)
        else:
            following = messages[position + 1 : position + 2]
            if following and following[0]["role"] == "user":
                question = json.dumps({"Question": message["content"]}, ensure_ascii=False)
                text = f" \nASSISTANT Action: getDetails\nASSISTANT Action Input: {question}\n"
            else:
                text = f" I can respond to the user now.\nASSISTANT Response: {message['content']} </s>"
            turns.append((list(history), text))
            history.append(message)
        position += 1
    return turns


class Family:
    """A tokenizer with the template that is chosen for it."""

    def __init__(self, name: str, tokenizers: dict[str, Any]) -> None:
        self.name = name
        self.tokenizer = tokenizers["vicuna" if name == "react" else name]
        self.template: ChosenTemplate = choose_template(self.tokenizer, "react" if name == "react" else "auto")
        self.encoder = Encoder(self.tokenizer, self.template)
        self.cleaner = make_cleaner(self.tokenizer)

    def build(self, messages: Sequence[Message]) -> tuple[Conversation, Encoded]:
        conversation = build_conversation(make_row(messages), self.cleaner)
        return conversation, self.encoder.encode([conversation])[0]

    def prompt(self, history: list[Message], tools: Any) -> list[int]:
        """What inference sends: from the template that goes into the finished model's folder."""
        ids: list[int] = self.tokenizer.apply_chat_template(
            history,
            tools=tools,
            chat_template=self.template.inference,
            add_generation_prompt=True,
            return_dict=False,
        )
        return ids

    def check(self, messages: Sequence[Message]) -> None:
        conversation, encoded = self.build(messages)
        ids, trained = encoded.ids.tolist(), encoded.labels != IGNORED
        assert (encoded.labels[trained] == encoded.ids[trained]).all()
        expected = np.zeros(len(ids), dtype=bool)
        for history, text in expect_turns(self.name, conversation.messages):
            prompt = self.prompt(history, conversation.tools)
            assert ids[: len(prompt)] == prompt, "the prompt at inference is no prefix of what was trained"
            end = len(prompt) + int(np.argmin(np.append(trained[len(prompt) :], False)))
            assert self.decode(ids[:end]) == self.decode(prompt) + text
            expected[len(prompt) : end] = True
        assert (trained == expected).all(), "something is trained that the assistant did not write"

    def decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        return text


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tokenizers: dict[str, Any]) -> Family:
    return Family(request.param, tokenizers)


def test_each_family_gets_its_own_template(family: Family) -> None:
    assert family.template.name == family.name


@pytest.mark.parametrize("shape", SHAPES)
def test_exactly_what_the_assistant_writes_is_trained(family: Family, shape: str) -> None:
    family.check(SHAPES[shape]())


def test_the_template_for_inference_has_no_marks_and_the_same_text(family: Family) -> None:
    conversation, _ = family.build(SHAPES["parallel calls"]())
    texts = [
        family.tokenizer.apply_chat_template(
            conversation.messages, tools=conversation.tools, chat_template=template, tokenize=False
        )
        for template in (family.template.training, family.template.inference)
    ]
    assert texts[0] == texts[1]
    assert "generation" in family.template.training.replace("add_generation_prompt", "")
    assert "generation" not in family.template.inference.replace("add_generation_prompt", "")


def test_qwen_is_asked_in_its_own_words(tokenizers: dict[str, Any]) -> None:
    family = Family("qwen2_5", tokenizers)
    conversation, encoded = family.build(SHAPES["two calls"]())
    own = family.tokenizer.apply_chat_template(conversation.messages, tools=conversation.tools, return_dict=False)
    assert encoded.ids.tolist() == own


def test_what_the_runtime_writes_is_not_trained_in_toolalpacas_form(tokenizers: dict[str, Any]) -> None:
    family = Family("react", tokenizers)
    _, encoded = family.build(SHAPES["two calls"]())
    trained = family.decode(encoded.ids[encoded.labels != IGNORED].tolist())
    assert "Observation" not in trained
    assert "ASSISTANT Action Input" in trained


HOSTILE = st.sampled_from(
    ["</s>", "<s>", "<|im_end|>\n<|im_start|>assistant\n", "<|eot_id|>", "</tool_call>", "<tool_response>", "<unk>",
     "ASSISTANT:", "ASSISTANT Observation:", "<</s>/s>", "{% generation %}", "\\", '"',
     "\n\n", "  ", "\t", "é", "🦉", "汉"]
)  # fmt: skip
# ▁ is sentencepiece's own sign for a space and decodes to one
CHARACTERS = st.text(
    st.characters(codec="utf-8", exclude_characters="▁\r\0", exclude_categories=["Cs", "Cc"]), max_size=8
)
TEXTS = st.lists(st.one_of(HOSTILE, CHARACTERS), max_size=5).map("".join)
WORDS = TEXTS.map(lambda text: f"so {text} it is")


@settings(max_examples=100)
@given(ask=TEXTS, thought=TEXTS, value=TEXTS, answer=TEXTS, response=WORDS)
def test_no_text_breaks_out_of_its_place(
    family: Family, ask: str, thought: str, value: str, answer: str, response: str
) -> None:
    messages = [
        user(ask),
        call(thought, ("getWeather", {"city": value})),
        result(200, answer),
        say(response),
    ]
    family.check(messages)
    _, encoded = family.build(messages)
    _, plain = family.build([user("a"), call("b", ("getWeather", {"city": "c"})), result(200, "d"), say("e")])
    controls = list(family.tokenizer.get_added_vocab().values())
    assert sorted(encoded.ids[np.isin(encoded.ids, controls)]) == sorted(plain.ids[np.isin(plain.ids, controls)])


def test_each_conversation_of_a_batch_has_its_own_labels(family: Family) -> None:
    conversations = [family.build(shape())[0] for shape in SHAPES.values()]
    alone = [family.encoder.encode([one])[0] for one in conversations]
    for one, expected in zip(family.encoder.encode(conversations), alone, strict=True):
        assert one.ids.tolist() == expected.ids.tolist()
        assert one.labels.tolist() == expected.labels.tolist()
        assert one.trained == sum(label != IGNORED for label in one.labels.tolist()) > 0


def test_labels_are_as_many_as_tokens_have_them() -> None:
    ids = np.array([5, 6, 7], np.int32)
    assert Encoded(ids, np.array([IGNORED, 6, 7], np.int32)).trained == 2
    assert Encoded(ids, np.full(3, IGNORED, np.int32)).trained == 0


def test_where_the_assistant_says_nothing_nothing_is_trained(family: Family) -> None:
    _, encoded = family.build([user("Nobody answers.")])
    assert encoded.trained == 0
    assert len(encoded.ids) == len(encoded.labels) > 0


CONTENT = "{{ message.content }}"


def write_template(assistant: str, prompt: str = "A") -> ChosenTemplate:
    """A template with the assistant's part as given; what others say stands there as it is."""
    text = (
        "{% for message in messages %}{% if message.role == 'assistant' %}" + assistant + "{% else %}"
        "{{ message.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}" + prompt + "{% endif %}"
    )
    return ChosenTemplate("mine", text)


def encode(tokenizer: Any, template: ChosenTemplate, said: str) -> tuple[str, str]:
    """All of the text of a conversation, and what of it is trained."""
    messages = [{"role": "user", "content": "x "}, {"role": "assistant", "content": said}]
    (encoded,) = Encoder(tokenizer, template).encode([Conversation(messages, [])])
    whole, trained = encoded.ids.tolist(), encoded.ids[encoded.labels != IGNORED].tolist()
    return tokenizer.decode(whole), tokenizer.decode(trained)


@pytest.mark.parametrize(
    ("assistant", "said", "joined"),
    [("A{% generation %}" + CONTENT + "{% endgeneration %}", "SSISTANT", "' A' with 'SSISTANT'")],
)
def test_a_template_whose_text_melts_into_the_assistants_is_refused(
    tokenizers: dict[str, Any], assistant: str, said: str, joined: str
) -> None:
    """The message quotes both."""
    with pytest.raises(TemplateError, match=joined):
        encode(tokenizers["qwen2_5"], write_template(assistant), said)


def test_a_template_that_goes_on_within_the_assistants_last_token_is_refused(tokenizers: dict[str, Any]) -> None:
    tokenizer = tokenizers["qwen2_5"]
    words = (word for word in sorted(tokenizer.get_vocab()) if word.isascii() and word.isalpha() and len(word) > 1)
    word = next(word for word in words if len(tokenizer(word)["input_ids"]) == 1)
    template = write_template("A\n{% generation %}" + CONTENT + "{% endgeneration %}" + word[-1])
    with pytest.raises(TemplateError, match="joins the prompt's text"):
        encode(tokenizer, template, word[:-1])


def test_text_that_stands_close_to_the_assistants_is_not_trained(tokenizers: dict[str, Any]) -> None:
    template = write_template("A: {% generation %}" + CONTENT + "{% endgeneration %}; B", "A: ")
    assert encode(tokenizers["qwen2_5"], template, "yes") == ("x A: yes; B", "yes")


def test_a_prompt_that_ends_before_the_assistants_text_takes_nothing_from_it(tokenizers: dict[str, Any]) -> None:
    template = write_template("A: {% generation %}" + CONTENT + "{% endgeneration %}", "A")
    assert encode(tokenizers["qwen2_5"], template, "yes") == ("x A: yes", "yes")


def test_an_answer_without_a_character_is_none(tokenizers: dict[str, Any]) -> None:
    template = write_template("A{% generation %}" + CONTENT + "{% endgeneration %}")
    encoder = Encoder(tokenizers["qwen2_5"], template)
    silent = [{"role": "user", "content": "x "}, {"role": "assistant", "content": ""}]
    (encoded,) = encoder.encode([Conversation(silent, [])])
    assert encoded.trained == 0


def test_no_tools_are_none_to_a_template(tokenizers: dict[str, Any]) -> None:
    template = write_template("A{% generation %}" + CONTENT + "{% endgeneration %}{{ tools is none }}")
    assert encode(tokenizers["qwen2_5"], template, "yes") == ("x AyesTrue", "yes")


def test_what_the_prompt_ends_with_is_not_trained_though_it_is_marked(tokenizers: dict[str, Any]) -> None:
    template = write_template("{% generation %}A:\n" + CONTENT + "<|im_end|>{% endgeneration %}", "A:\n")
    assert encode(tokenizers["qwen2_5"], template, "yes") == ("x A:\nyes<|im_end|>", "yes<|im_end|>")


@pytest.mark.parametrize(
    ("marked", "trained"),
    [
        ("yes<|im_end|>", "yes<|im_end|>"),
        ("yes<|im_end|>\n", "yes<|im_end|>"),  # nobody generates the line's end
        ("yes<|im_end|>\n\n \n", "yes<|im_end|>"),
        ("<|im_start|>yes\n", "<|im_start|>yes\n"),  # text follows the last control token: it ends nothing
        ("<|im_end|>yes<|im_end|>\n", "<|im_end|>yes<|im_end|>"),
        ("<|im_end|>\nyes", "<|im_end|>\nyes"),
        ("<|im_end|>\ny", "<|im_end|>\ny"),
        ("yes\n", "yes\n"),  # there is no end token
    ],
)
def test_the_end_token_is_the_last_one_that_is_trained(tokenizers: dict[str, Any], marked: str, trained: str) -> None:
    template = write_template("A{% generation %}" + CONTENT + "{% endgeneration %}<|im_start|>")
    assert encode(tokenizers["qwen2_5"], template, marked) == (f"x A{marked}<|im_start|>", trained)


def test_a_template_without_marks_is_refused(tokenizers: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match="the template plain marks nothing as the assistant's"):
        Encoder(tokenizers["vicuna"], ChosenTemplate("plain", "{% for m in messages %}{{ m.content }}{% endfor %}"))


def test_a_tokenizer_that_does_not_tell_where_its_tokens_lie_is_refused() -> None:
    with pytest.raises(TemplateError, match="SimpleNamespace does not tell where its tokens lie"):
        Encoder(SimpleNamespace(is_fast=False), write_template("A"))
