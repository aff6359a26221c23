"""What of a model's folder is turned down before anything of it is loaded: what would run code, or lie elsewhere."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UserError
from tasks.trainer.hub import find_model
from tasks.trainer.model_files import MAX_JSON_BYTES, ModelFilesError, check_model_folder
from tests.train_extra import needs_train_extra

INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that may be loaded."""
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder / "config.json", {"model_type": "llama"})
    write(folder / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer"})
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder.parent / "outside.safetensors").write_bytes(b"weights")
    return folder


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def change(name: str, **more: Any) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        write(folder / name, {**json.loads((folder / name).read_text()), **more})

    return work


def pickle_weights(*names: str) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        for name in names:
            (folder / name).write_bytes(pickle.dumps({}))

    return work


def shard(weight_map: Any, **beside: bytes) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / "a.safetensors").write_bytes(b"weights")
        write(folder / INDEX, {"metadata": {}, "weight_map": weight_map})

    return work


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "weights as a pickle": (
        pickle_weights("pytorch_model.bin"),
        "its weights are in pytorch_model.bin, a pickle, which can run code and is not loaded; "
        "python -m tasks.trainer.convert",
    ),
    "weights as several pickles": (
        pickle_weights("pytorch_model-00002-of-00002.bin", "pytorch_model-00001-of-00002.bin"),
        "its weights are in pytorch_model-00001-of-00002.bin, a pickle",
    ),
    "weights as a checkpoint of torch": (pickle_weights("model.pt"), "its weights are in model.pt, a pickle"),
    "an adapter": (lambda folder: write(folder / "adapter_config.json", {}), "it holds an adapter"),
    "an index that leads out": (shard({"a": "../outside.safetensors"}), "names '../outside.safetensors', which is no"),
    "an index that leads anywhere": (shard({"a": "a.safetensors", "b": "/etc/passwd"}), "names '/etc/passwd', which"),
    "an index of pickles": (shard({"a": "pytorch_model-00001-of-00001.bin"}), "which is no safetensors file"),
    "an index of numbers": (shard({"a": 1}), "names '1', which is no safetensors file"),
    "an index of what is not there": (shard({"a": "b.safetensors"}), f"b.safetensors, which {INDEX} names, is missing"),
    "an index of nothing": (shard({}), f"{INDEX} names no files"),
    "an index that is a list": (shard([1]), f"{INDEX} names no files"),
    "code of its own": (
        change("config.json", model_type="mine", auto_map={"AutoModelForCausalLM": "modeling_mine.Mine"}),
        "it brings code of its own (auto_map in config.json), and transformers has none for 'mine'",
    ),
    "code of its own and no kind": (
        change("config.json", model_type=None, auto_map={"AutoConfig": "other/repo--mine.Config"}),
        "it brings code of its own",
    ),
    "code of its own and a kind that is a path": (
        change("config.json", model_type="../models/llama", auto_map={"AutoConfig": "mine.Config"}),
        "it brings code of its own",
    ),
    "another file of weights": (
        change("config.json", transformers_weights="adapter_model.bin"),
        "config.json names weights that are no safetensors ('adapter_model.bin')",
    ),
    "weights elsewhere": (
        change("config.json", transformers_weights="../outside.safetensors"),
        "config.json names weights that are no safetensors",
    ),
    "a tokenizer that is none": (
        change("tokenizer_config.json", tokenizer_class="RagRetriever"),
        "tokenizer_class is 'RagRetriever', which is no tokenizer",
    ),
    "a tokenizer that is no name": (change("tokenizer_config.json", tokenizer_class=["x"]), "tokenizer_class is"),
    "a tokenizer of another module": (
        change("config.json", tokenizer_class="os.system.Tokenizer"),
        "tokenizer_class is 'os.system.Tokenizer'",
    ),
    "a tokenizer's file elsewhere": (
        change("tokenizer_config.json", fast_tokenizer_files=["../../tokenizer.9.json"]),
        "names files that are not in this folder",
    ),
    "a config that is too deep": (
        lambda folder: (folder / "config.json").write_text("[" * 100_000),
        "config.json cannot be read",
    ),
    "a config that is a list": (lambda folder: write(folder / "config.json", []), "config.json holds no object"),
    "half a tokenizer's config": (
        lambda folder: (folder / "tokenizer_config.json").write_text("{"),
        "tokenizer_config.json cannot be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_bad_input_in_one_line(folder: Path, fault: str) -> None:
    damage, said = FAULTS[fault]
    find_model(str(folder))
    damage(folder)
    with pytest.raises(UserError) as caught:
        find_model(str(folder))
    line = str(caught.value)
    assert line.startswith(f"--model {folder}: ")
    assert said in line
    assert line.isprintable()


@pytest.mark.parametrize(
    "harmless",
    [
        change("config.json", tokenizer_class=None, auto_map=None, transformers_weights="model.safetensors"),
        change("tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast", fast_tokenizer_files=["a.1.json"]),
        change("tokenizer_config.json", tokenizer_class="TokenizersBackend"),
        shard({"a": "a.safetensors", "b": "a.safetensors"}),
        lambda folder: (folder / "pytorch_model.bin").write_bytes(b"a pickle beside them is not read"),
        lambda folder: (folder / "tokenizer_config.json").unlink(),
    ],
)
def test_what_is_harmless_passes(folder: Path, harmless: Callable[[Path], object]) -> None:
    harmless(folder)
    check_model_folder(folder)


@needs_train_extra
@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt-sw3", "phi3"])
def test_code_that_transformers_has_itself_is_taken_from_there(folder: Path, kind: str) -> None:
    """Many models bring what is part of transformers by now."""
    change("config.json", model_type=kind, auto_map={"AutoModelForCausalLM": "modeling.Mine"})(folder)
    check_model_folder(folder)


def test_a_config_is_read_up_to_a_limit(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"{}" + b" " * (MAX_JSON_BYTES - 2))
    check_model_folder(folder)
    (folder / "config.json").write_bytes(b"{}" + b" " * (MAX_JSON_BYTES - 1))
    with pytest.raises(ModelFilesError, match=r"config\.json cannot be read: it has more than 64 MB"):
        check_model_folder(folder)
