"""Whether a model may be loaded: a model may come from anybody, and some of the files that models come in run code.

Weights are read from safetensors only, and code that comes with a model is never run. Names that its files give lead
to nothing outside of its folder. Needs neither torch nor transformers: the flow asks before anything is started.
"""

import importlib.util
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_JSON_BYTES = 64 << 20
"""The index of a model of 1,000 layers has 10 MB."""

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_INDEX = "model.safetensors.index.json"
_SAFETENSORS = re.compile(r"[^/\\\0]+\.safetensors")
_PLAIN_JSON = re.compile(r"[^/\\\0]+\.json")
_TOKENIZER_CLASS = re.compile(r"\w+(Tokenizer|TokenizerFast|Backend)", re.ASCII)
_KIND = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class ModelFilesError(ValueError):
    """A model that is not loaded, for what its files hold or ask for; the message says what and names the remedy."""


def check_model_folder(folder: Path, *, pickles: bool = False) -> None:
    """Raises ModelFilesError for what of a folder would run code, or read what is not in it; `pickles` are let pass."""
    if (folder / "adapter_config.json").exists():
        raise ModelFilesError(
            "it holds an adapter (adapter_config.json), whose files say what else is loaded; merge it into its base "
            "model first, and name the folder of that"
        )
    for name, check in (("config.json", check_config), ("tokenizer_config.json", check_tokenizer_config)):
        if (folder / name).exists():  # a tokenizer alone has no config.json
            check(read_json(folder / name))
    if not pickles:
        _check_weights(folder)


def check_config(config: Mapping[str, Any]) -> None:
    """Raises ModelFilesError if config.json asks for code that comes with the model, or names weights of another form.

    Many models bring code that transformers has too (their `auto_map` is from before); then the latter is used.
    """
    _check_tokenizer_class(config)
    weights = config.get("transformers_weights")
    if weights is not None and not _is_named(weights, _SAFETENSORS):
        raise ModelFilesError(f"config.json names weights that are no safetensors ({str(weights)[:80]!r})")
    kind = config.get("model_type")
    if config.get("auto_map") and not (isinstance(kind, str) and _is_known(kind)):
        raise ModelFilesError(
            f"it brings code of its own (auto_map in config.json), and transformers has none for {str(kind)[:80]!r}; "
            "such code is never run: take a model that transformers knows"
        )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model's folder. Raises ModelFilesError."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_JSON_BYTES + 1)
        if len(text) > MAX_JSON_BYTES:
            raise ValueError(f"it has more than {MAX_JSON_BYTES >> 20} MB")
        read = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFilesError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(read, dict):
        raise ModelFilesError(f"{path.name} holds no object")
    return read


def _check_weights(folder: Path) -> None:
    if (folder / "model.safetensors").is_file():
        return
    if (folder / _INDEX).is_file():
        _check_index(folder)
        return
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise ModelFilesError(
            f"its weights are in {pickles[0]}, a pickle, which can run code and is not loaded; "
            f"python -m tasks.trainer.convert {shlex.quote(str(folder))} writes them as safetensors beside it, "
            "and runs none"
        )


def _check_index(folder: Path) -> None:
    """Raises ModelFilesError for an index that leads out of the folder, or to what is no safetensors."""
    named = read_json(folder / _INDEX).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise ModelFilesError(f"{_INDEX} names no files")
    for name in named.values():
        if not _is_named(name, _SAFETENSORS):
            raise ModelFilesError(f"{_INDEX} names {str(name)[:80]!r}, which is no safetensors file of this folder")
        if not (folder / name).is_file():
            raise ModelFilesError(f"{name[:80]}, which {_INDEX} names, is missing")


def check_tokenizer_config(config: Mapping[str, Any]) -> None:
    """Raises ModelFilesError if tokenizer_config.json names what is no tokenizer, or files that lie elsewhere."""
    _check_tokenizer_class(config)
    files = config.get("fast_tokenizer_files")
    if files is not None and not (isinstance(files, list) and all(_is_named(name, _PLAIN_JSON) for name in files)):
        raise ModelFilesError("tokenizer_config.json names files that are not in this folder (fast_tokenizer_files)")


def _check_tokenizer_class(config: Mapping[str, Any]) -> None:
    """Raises ModelFilesError for a class that is no tokenizer: transformers takes any of its own by the name."""
    name = config.get("tokenizer_class")
    if name is not None and not _is_named(name, _TOKENIZER_CLASS):
        raise ModelFilesError(f"tokenizer_class is {str(name)[:80]!r}, which is no tokenizer of transformers")


def _is_named(name: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(name, str) and pattern.fullmatch(name) is not None


def _is_known(kind: str) -> bool:
    """Whether transformers has a model of that kind: each has a folder there."""
    found = importlib.util.find_spec("transformers")
    if found is None or not found.submodule_search_locations or not _KIND.fullmatch(kind):
        return False
    return (Path(found.submodule_search_locations[0]) / "models" / kind.replace("-", "_")).is_dir()
