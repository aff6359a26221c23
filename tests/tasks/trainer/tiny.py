"""A tiny Llama with a sentencepiece tokenizer, made on the spot and laid out as Vicuna's repository is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.tasks.trainer.episodes import TOOLS, make_rows


def build_vicuna(
    folder: Path, vocabulary: int = 600, hidden: int = 64, layers: int = 2, texts: Sequence[str] = ()
) -> Path:
    """config.json, generation_config.json, weights and `tokenizer.model` alone: no tokenizer.json, no chat template.

    The tokenizer learns from `texts`, or from those of the tests' episodes. The generation config is Vicuna's:
    sampling values without sampling, which transformers refuses to save.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True)
    _train_tokenizer(folder, vocabulary, texts or list_texts())
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    sampling = {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    (folder / "generation_config.json").write_text(json.dumps({**sampling, "temperature": 0.9, "top_p": 0.6}))
    return folder


def build_grouped(folder: Path) -> Path:
    """The weights alone of a model whose two heads for keys and values serve four for queries."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=600,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def list_texts() -> list[str]:
    """What the tokenizer learns from: the texts of the episodes and of the tools."""
    texts = [json.dumps(TOOLS), "USER: ASSISTANT: TOOL: <tool_call> </tool_call> <tool_response> </tool_response>"]
    for row in make_rows(72):
        for message in row["messages"]:
            texts.append(message["content"])
            texts += [
                f'{{"name": "{call["name"]}", "arguments": {call["arguments"]}}}' for call in message["tool_calls"]
            ]
    return texts


def _train_tokenizer(folder: Path, vocabulary: int, texts: Sequence[str]) -> None:
    import sentencepiece

    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(texts), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=vocabulary,
        byte_fallback=True,
        split_digits=True,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    corpus.unlink()
    (folder / "tokenizer.vocab").unlink()
    settings = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<unk>",
        "add_bos_token": True,
        "add_eos_token": False,
        "legacy": False,
        "model_max_length": 4096,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def build_byte_level(folder: Path, controls: list[str], template: str, end: str) -> Any:
    """A byte-level BPE tokenizer with a family's control tokens and its own chat template, as Qwen's and Llama 3's."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    split = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        r"\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(list_texts(), trainer)
    made.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in controls])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token=end,
        bos_token=controls[0],
        pad_token=controls[0],
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = template
    fast.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)
