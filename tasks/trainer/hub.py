"""Finds the model to start from: its config.json, and what its tokenizer is known by. Imports neither torch nor
transformers, so that the flow may ask."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import UserError
from tasks.trainer.model_files import ModelFilesError, check_config, check_model_folder, read_json

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
        UserError: there is none, it is not open to us, the hub cannot be reached, config.json cannot be read, or what
            its files hold is not loaded.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        config = folder / "config.json"
        if not config.is_file():
            raise UserError(
                f"--model {name}: the folder has no config.json; name a folder that from_pretrained can load."
            )
        with _explain(name):
            check_model_folder(folder)
            return FoundModel(str(folder.resolve()), read_json(config), _hash_tokenizer(folder), True)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UserError(f"--model {name}: there is no such folder.")
    config = _fetch_config(name)
    commit = config.parent.name  # …/snapshots/<commit>/config.json
    has_weights = any(config.parent.glob("*.safetensors"))
    with _explain(name):
        read = read_json(config)
        check_config(read)
    return FoundModel(name, read, f"{name}@{commit}", has_weights)


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


@contextmanager
def _explain(name: str) -> Iterator[None]:
    """Raises UserError for what may not be loaded."""
    try:
        yield
    except ModelFilesError as error:
        raise UserError(f"--model {name}: {error}.") from error


def _hash_tokenizer(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _TOKENIZER_FILES:
        if (folder / name).is_file():
            digest.update(f"{name}\0".encode() + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()
