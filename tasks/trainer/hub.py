"""Finds the model to start from: its config.json, and what its tokenizer is known by. Imports neither torch nor
transformers, so that the flow may ask."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import UserError

_TOKENIZER_FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
)


@dataclass(frozen=True)
class FoundModel:
    """A model: the name to load it by, its config.json, and a name that changes when its tokenizer does.

    `name` is a hub id, or the full path of a folder. `is_here` tells that its weights need not be fetched.
    """

    name: str
    config: dict[str, Any]
    tokenizer: str
    is_here: bool


def find_model(name: str) -> FoundModel:
    """A model by folder or hub id; of a hub's model only config.json is fetched, or found in the hub's cache.

    Raises:
        UserError: there is none, it is not open to us, the hub cannot be reached, or config.json cannot be read.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        config = folder / "config.json"
        if not config.is_file():
            raise UserError(
                f"--model {name}: the folder has no config.json; name a folder that from_pretrained can load."
            )
        return FoundModel(str(folder.resolve()), _read_config(config, name), _hash_tokenizer(folder), True)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UserError(f"--model {name}: there is no such folder.")
    config = _fetch_config(name)
    commit = config.parent.name  # …/snapshots/<commit>/config.json
    has_weights = any(config.parent.glob("*.safetensors")) or any(config.parent.glob("*.bin"))
    return FoundModel(name, _read_config(config, name), f"{name}@{commit}", has_weights)


def _fetch_config(name: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import (
            EntryNotFoundError,
            GatedRepoError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
        )
    except ImportError as error:
        raise UserError("training needs the train extra: run `make setup-train`.") from error
    try:
        return Path(hf_hub_download(name, "config.json"))
    except GatedRepoError as error:
        raise UserError(f"--model {name}: access is granted on its page at the hub; then set HF_TOKEN.") from error
    except RepositoryNotFoundError as error:
        raise UserError(f"--model {name}: the hub has no such model, or HF_TOKEN does not open it.") from error
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"--model {name}: the hub cannot be reached and has no copy of it in its cache here; name a local folder."
        ) from error
    except EntryNotFoundError as error:
        raise UserError(f"--model {name}: it has no config.json, so it is no model that transformers loads.") from error
    except HFValidationError as error:
        raise UserError(f"--model {name}: neither a folder nor a model's id, such as lmsys/vicuna-7b-v1.5.") from error
    except OSError as error:
        raise UserError(f"--model {name}: the hub cannot be reached: {' '.join(str(error).split())[:200]}") from error


def _read_config(path: Path, name: str) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"--model {name}: config.json cannot be read: {error}.") from error
    if not isinstance(config, dict):
        raise UserError(f"--model {name}: config.json holds no object.")
    return config


def _hash_tokenizer(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _TOKENIZER_FILES:
        if (folder / name).is_file():
            digest.update(f"{name}\0".encode() + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()
