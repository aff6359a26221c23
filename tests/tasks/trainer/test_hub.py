"""Which model is meant, by folder or by a hub's id: from its cache, from a hub on this machine, and without one."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from schemas.errors import UserError
from tasks.trainer.hub import find_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKENIZER_FILES = (
    "added_tokens.json", "chat_template.jinja", "merges.txt", "special_tokens_map.json", "tokenizer.json",
    "tokenizer.model", "tokenizer_config.json", "vocab.json",
)  # fmt: skip


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


class Hub(BaseHTTPRequestHandler):
    """Answers for a model by its name as the hub does."""

    ANSWERS = (("/lab/gated/", 403, "GatedRepo"), ("/lab/empty/", 404, "EntryNotFound"), ("/lab/fine/", 200, ""))

    def answer(self) -> None:
        found = [one for one in self.ANSWERS if self.path.startswith(one[0])]
        status, code = found[0][1:] if found else (401, "RepoNotFound")
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"etag"')
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"{}")

    do_GET = do_HEAD = answer  # noqa: N815 - the names are the server's

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def hub(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub that is there."""
    constants = pytest.importorskip("huggingface_hub.constants")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def make_folder(path: Path) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return path


@pytest.mark.parametrize("name", ["model", "./model", "~/model"])
def test_a_folder_is_known_by_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = make_folder(tmp_path / "model")
    found = find_model(name)
    assert (found.name, found.config, found.is_here) == (str(folder), {"model_type": "llama"}, True)


@pytest.mark.parametrize("file", TOKENIZER_FILES)
def test_a_folders_tokenizer_changes_with_each_of_its_files(tmp_path: Path, file: str) -> None:
    folder = make_folder(tmp_path / "model")
    names = [find_model(str(folder)).tokenizer]
    for content in ('{"a": 1}', '{"a": 2}'):
        (folder / file).write_text(content)
        names.append(find_model(str(folder)).tokenizer)
    assert len(set(names)) == 3
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "generation_config.json").write_text("{}")
    assert find_model(str(folder)).tokenizer == names[-1]


def test_a_file_of_another_name_makes_another_tokenizer(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    (folder / "tokenizer.json").write_text("{}")
    first = find_model(str(folder)).tokenizer
    (folder / "tokenizer.json").rename(folder / "vocab.json")
    assert find_model(str(folder)).tokenizer != first


def test_equal_folders_have_one_tokenizer(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (make_folder(tmp_path / name) / "tokenizer.json").write_text("{}")
    assert find_model(str(tmp_path / "a")).tokenizer == find_model(str(tmp_path / "b")).tokenizer


@pytest.mark.parametrize("weights", ["model.safetensors", "model-00001-of-00002.safetensors"])
def test_a_hubs_model_is_known_by_its_commit_and_is_here_with_its_weights(hub_cache: Path, weights: str) -> None:
    found = find_model("lab/chat")
    assert (found.name, found.tokenizer, found.config) == ("lab/chat", f"lab/chat@{COMMIT}", {"model_type": "llama"})
    assert not found.is_here
    for name in ("tokenizer.model", "pytorch_model.bin"):  # pickles are not loaded
        (hub_cache / "snapshots" / COMMIT / name).touch()
    assert not find_model("lab/chat").is_here
    (hub_cache / "snapshots" / COMMIT / weights).touch()
    assert find_model("lab/chat").is_here


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lab/other", "the hub cannot be reached and has no copy of it in its cache here; name a local folder."),
        ("no such", "neither a folder nor a model's id, such as lmsys/vicuna-7b-v1.5."),
        ("./nothing", "there is no such folder."),
        ("/nothing", "there is no such folder."),
        ("~/nothing", "there is no such folder."),
        (".nothing", "there is no such folder."),
        ("a/b/c", "there is no such folder."),
    ],
)
def test_a_model_that_is_not_there_is_one_line(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    monkeypatch.setenv("HOME", str(hub_cache))
    with pytest.raises(UserError) as caught:
        find_model(name)
    assert str(caught.value) == f"--model {name}: {line}"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lab/gated", "access is granted on its page at the hub; then set HF_TOKEN."),
        ("lab/none", "the hub has no such model, or HF_TOKEN does not open it."),
        ("lab/empty", "it has no config.json, so it is no model that transformers loads."),
    ],
)
def test_what_the_hub_refuses_is_told_apart(hub: None, name: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        find_model(name)
    assert str(caught.value) == f"--model {name}: {line}"


def test_a_hubs_model_that_brings_its_own_code_is_one_line(hub_cache: Path) -> None:
    config = {"model_type": "mine", "auto_map": {"AutoModelForCausalLM": "modeling_mine.Mine"}}
    (hub_cache / "snapshots" / COMMIT / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        UserError, match=r"^--model lab/chat: it brings code of its own .* such code is never run: take a"
    ):
        find_model("lab/chat")


def test_without_the_hubs_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match="training needs the train extra: run `make setup-train`"):
        find_model("lab/chat")


def test_a_configuration_that_the_disk_does_not_give_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").symlink_to("/proc/self/mem")  # a file that cannot be read
    with pytest.raises(UserError, match=r"config\.json cannot be read: \[Errno 5\]"):
        find_model(str(tmp_path))


def test_a_configuration_is_fetched_from_the_hub(hub: None) -> None:
    found = find_model("lab/fine")
    assert (found.name, found.config, found.tokenizer, found.is_here) == ("lab/fine", {}, f"lab/fine@{COMMIT}", False)


def test_what_the_system_says_is_quoted_in_one_short_line(hub: None, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    blocked = Path(constants.HF_HUB_CACHE).parent / ("long" * 50)
    blocked.touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(blocked / "hub"))
    with pytest.raises(UserError) as caught:
        find_model("lab/fine")
    begin, said = str(caught.value).split("reached: ")
    assert begin == "--model lab/fine: the hub cannot be "
    assert said.startswith("[Errno")
    assert len(said) == 200


def test_a_folder_without_a_configuration_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match=r"the folder has no config\.json; name a folder that from_pretrained"):
        find_model(str(tmp_path / "model"))


@pytest.mark.parametrize(
    ("config", "line"),
    [(b"{", r"config\.json cannot be read: .+"), (b"\xff", "cannot be read"), (b"[]", "config.json holds no object")],
)
def test_a_config_that_cannot_be_read_is_one_line(tmp_path: Path, config: bytes, line: str) -> None:
    (tmp_path / "config.json").write_bytes(config)
    with pytest.raises(UserError, match=rf"^--model {tmp_path}: .*{line}"):
        find_model(str(tmp_path))
