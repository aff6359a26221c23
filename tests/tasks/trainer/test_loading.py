"""Loading a model runs nothing that comes with it, however its files ask for that."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
from safetensors.torch import load_file

from tasks.trainer.convert import convert_weights, main
from tasks.trainer.fine_tuning import load_model
from tasks.trainer.loading import load_tokenizer
from tasks.trainer.model_files import ModelFilesError
from tests.tasks.trainer.mines import Mine, lay_mine

CODE = "from pathlib import Path\nPath({mark!r}).touch()\n"


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that is there when something was run."""
    return tmp_path / "it was run"


@pytest.fixture
def model(vicuna: Path, tmp_path: Path, mark: Path) -> Path:
    """A model with code of its own beside it."""
    folder = shutil.copytree(vicuna, tmp_path / "model")
    for name in ("modeling_mine.py", "configuration_mine.py", "tokenization_mine.py", "generate.py"):
        (folder / name).write_text(CODE.format(mark=str(mark)))
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(CODE.format(mark=str(mark)))
    return folder


def change(path: Path, **more: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def pickle_weights(folder: Path, extra: dict[str, Any] | None = None) -> None:
    """The weights as torch.save writes them, in place of the safetensors."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save({**weights, **(extra or {})}, folder / "pytorch_model.bin")


def test_code_beside_a_model_that_transformers_knows_is_left_alone(model: Path, mark: Path) -> None:
    auto = {"AutoModelForCausalLM": "modeling_mine.Mine", "AutoConfig": "configuration_mine.Mine"}
    change(model / "config.json", auto_map=auto)
    change(model / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_mine.Mine", None]})
    assert load_tokenizer(str(model)).is_fast
    assert load_model(str(model), "full", True, "sdpa").config.model_type == "llama"
    assert not mark.exists()


@pytest.mark.parametrize("kind", ["mine", "llama"])
def test_a_tokenizer_of_its_own_is_not_run(model: Path, mark: Path, kind: str) -> None:
    change(model / "config.json", model_type=kind)
    auto = {"AutoTokenizer": ["tokenization_mine.MineTokenizer", "tokenization_mine.MineTokenizer"]}
    change(model / "tokenizer_config.json", auto_map=auto, tokenizer_class="MineTokenizer")
    with suppress(ModelFilesError):  # where transformers has another for the kind of model, it takes that
        load_tokenizer(str(model))
    assert not mark.exists()


@pytest.fixture
def hub_model(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as `lab/chat` in the hub's cache, and no way to the hub."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "hub" / "models--lab--chat"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    return shutil.copytree(model, folder / "snapshots" / ("0" * 40))


def test_a_hubs_model_is_held_to_the_same(hub_model: Path, mark: Path) -> None:
    assert load_tokenizer("lab/chat").is_fast
    load_model("lab/chat", "full", True, "sdpa")
    pickle_weights(hub_model)
    lay_mine(hub_model / "pytorch_model.bin", mark)
    with pytest.raises(ModelFilesError, match=r"no weights as safetensors, .* download it .* convert it"):
        load_model("lab/chat", "full", True, "sdpa")
    (hub_model / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "lab/chat"}))
    with pytest.raises(ModelFilesError, match="lab/chat is an adapter"):
        load_model("lab/chat", "full", True, "sdpa")
    change(hub_model / "tokenizer_config.json", tokenizer_class="RagRetriever")
    with pytest.raises(ModelFilesError, match="'RagRetriever', which is no tokenizer"):
        load_tokenizer("lab/chat")
    assert not mark.exists()


def test_weights_that_are_a_pickle_are_not_read(model: Path, mark: Path) -> None:
    (model / "model.safetensors").unlink()
    lay_mine(model / "pytorch_model.bin", mark)
    with pytest.raises(ModelFilesError, match=r"its weights are in pytorch_model\.bin, a pickle"):
        load_model(str(model), "full", True, "sdpa")
    assert not mark.exists()


def test_a_pickle_beside_the_weights_is_not_read(model: Path, mark: Path) -> None:
    for name in ("pytorch_model.bin", "adapter_model.bin", "training_args.bin", "optimizer.pt"):
        lay_mine(model / name, mark)
    load_model(str(model), "full", True, "sdpa")
    assert not mark.exists()


def test_an_adapter_is_not_loaded(model: Path, mark: Path) -> None:
    lay_mine(model / "adapter_model.bin", mark)
    (model / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(model)}))
    for load in (load_tokenizer, lambda path: load_model(path, "lora", True, "sdpa")):
        with pytest.raises(ModelFilesError, match="it holds an adapter"):
            load(str(model))
    assert not mark.exists()


def test_pickled_weights_are_converted_without_running_anything(vicuna: Path, model: Path, mark: Path) -> None:
    before = {path.name for path in model.iterdir()}
    pickle_weights(model)
    assert convert_weights(model) == ["model.safetensors"]
    assert {path.name for path in model.iterdir()} == before | {"pytorch_model.bin"}
    found, expected = load_file(model / "model.safetensors"), load_file(vicuna / "model.safetensors")
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    load_model(str(model), "full", True, "sdpa")
    assert not mark.exists()


@pytest.mark.parametrize("is_archive", [True, False], ids=["in torch's archive", "a plain pickle"])
def test_a_pickle_that_would_run_code_is_not_converted(
    model: Path, mark: Path, is_archive: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    pickle_weights(model, {"more": Mine(mark)})
    if not is_archive:
        lay_mine(model / "pytorch_model.bin", mark)
    assert main([str(model)]) == 2
    line = f"error: {model}: its weights hold more than tensors and numbers, and could run code"
    assert capsys.readouterr().err.splitlines()[-1] == line
    assert not mark.exists()
    assert not (model / "model.safetensors").exists()
