"""Which model is meant, by folder or by a hub's id, without a network."""

import json
from pathlib import Path

import pytest

from schemas.errors import UserError
from tasks.trainer.hub import find_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one model's config.json in it, and no way to the hub."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "hub" / "models--lab--chat"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "snapshots" / COMMIT / "config.json").write_text('{"model_type": "llama"}')
    return folder


def test_a_folder_is_known_by_its_full_path_and_its_tokenizers_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "tokenizer.model").write_bytes(b"one")
    first = find_model("model")
    assert (first.name, first.config, first.is_here) == (str(folder), {"model_type": "llama"}, True)

    (folder / "model.safetensors").write_bytes(b"weights")
    assert find_model("model").tokenizer == first.tokenizer
    (folder / "tokenizer.model").write_bytes(b"two")
    second = find_model("model")
    assert second.tokenizer != first.tokenizer
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert find_model("model").tokenizer != second.tokenizer


def test_a_hubs_model_is_known_by_its_commit(hub_cache: Path) -> None:
    found = find_model("lab/chat")
    assert (found.name, found.tokenizer, found.config) == ("lab/chat", f"lab/chat@{COMMIT}", {"model_type": "llama"})
    assert not found.is_here
    (hub_cache / "snapshots" / COMMIT / "model.safetensors").touch()
    assert find_model("lab/chat").is_here


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lab/other", "the hub cannot be reached and has no copy of it in its cache here; name a local folder"),
        ("no such", "neither a folder nor a model's id"),
        ("./nothing", "there is no such folder"),
        ("a/b/c", "there is no such folder"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(hub_cache: Path, name: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        find_model(name)
    assert f"--model {name}: {line}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("config", "line"), [("{", "cannot be read"), ("[]", "holds no object")])
def test_a_config_that_cannot_be_read_is_one_line(tmp_path: Path, config: str, line: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=line):
        find_model(str(tmp_path))
