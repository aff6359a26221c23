"""Weights that lie as pickles (pytorch_model*.bin) as safetensors:  python -m tasks.trainer.convert FOLDER

They are read by torch's own reader for weights, which makes tensors and numbers of a pickle and calls nothing else that
it names. The safetensors are written into the same folder; nothing else in it changes. Needs torch and transformers.
"""

import pickle
import sys
import tempfile
from pathlib import Path

from tasks.trainer.model_files import ModelFilesError, check_model_folder


def convert_weights(folder: Path) -> list[str]:
    """Write a model's weights as safetensors; the names of the files.

    Raises:
        ModelFilesError: more than its weights is not to be loaded.
        OSError, ValueError: there are none, or they cannot be read or written.
    """
    from transformers import AutoModelForCausalLM

    from tasks.trainer.fine_tuning import settle_generation

    check_model_folder(folder, pickles=True)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, trust_remote_code=False, use_safetensors=False, weights_only=True, dtype="auto"
        )
    except pickle.UnpicklingError as error:
        raise ModelFilesError("its weights hold more than tensors and numbers, and could run code") from error
    settle_generation(model)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as writing:
        model.save_pretrained(writing)
        written = sorted(Path(writing).glob("*.safetensors*"))
        for path in sorted(written, key=lambda path: path.suffix == ".json"):  # the index, where there is one, last
            path.rename(folder / path.name)
    return [path.name for path in written]


def main(arguments: list[str]) -> int:
    """Convert the folder named on the command line."""
    if len(arguments) != 1:
        print("error: python -m tasks.trainer.convert FOLDER", file=sys.stderr)
        return 2
    try:
        print(f"written: {', '.join(convert_weights(Path(arguments[0])))}")
    except ModelFilesError as error:
        print(f"error: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
