"""Loads a model and its tokenizer, and nothing that would run code which comes with them. Needs transformers."""

from pathlib import Path
from typing import Any

from tasks.trainer.model_files import (
    ModelFilesError,
    check_config,
    check_model_folder,
    check_tokenizer_config,
    read_json,
)


def load_tokenizer(model: str) -> Any:
    """The tokenizer of a model's folder, or of a hub's model.

    Raises:
        ModelFilesError: it would run code that comes with it, or read what is not its own.
        OSError, ValueError: it cannot be read.
    """
    from transformers import AutoTokenizer

    _check(model)
    try:
        return AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    except ValueError as error:
        if problem := _find_problem(error):
            raise ModelFilesError(problem) from error
        raise


def load_weights(model: str, **options: Any) -> Any:
    """The model itself, from safetensors. Raises what `load_tokenizer` does."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import find_adapter_config_file

    _check(model)
    if find_adapter_config_file(model) is not None:
        raise ModelFilesError(f"{model} is an adapter, whose files say what else is loaded: name a merged model")
    try:
        return AutoModelForCausalLM.from_pretrained(
            model, trust_remote_code=False, use_safetensors=True, weights_only=True, **options
        )
    except (OSError, ValueError) as error:
        if problem := _find_problem(error):
            raise ModelFilesError(problem) from error
        raise


def _check(model: str) -> None:
    """Raises ModelFilesError. Of a hub's model, what its two configurations say is looked at before anything else."""
    from transformers.utils import cached_file

    if Path(model).is_dir():
        check_model_folder(Path(model))
        return
    for name, check in (("config.json", check_config), ("tokenizer_config.json", check_tokenizer_config)):
        found = cached_file(
            model, name, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False
        )
        if found is not None:
            check(read_json(Path(found)))


def _find_problem(error: OSError | ValueError) -> str:
    """What is wrong, where transformers' own remedy is one that is never taken here; else empty."""
    text = str(error)
    if "trust_remote_code" in text or "custom code" in text:
        return "the model brings code of its own, which is never run: take one that transformers knows without it"
    if "use_safetensors" in text:
        return (
            "the model has no weights as safetensors, and its pickles, which can run code, are not loaded: download it "
            "(hf download NAME --local-dir FOLDER), convert it (python -m tasks.trainer.convert FOLDER), and name the "
            "folder"
        )
    return ""
