"""Nothing that is read from a disk or a bucket is unpickled, or imported by a name that a file gives."""

import ast
import base64
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from prefect.settings import PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings
from yaml import YAMLError

from tasks.datasets import DataRoot, find_artifact
from tasks.results import FoundResults
from tasks.sources.decode import DecodeProblem, decode_yaml
from tasks.values.words import load_words
from tests.tasks.trainer.mines import Mine, lay_mine

ROOT = Path(__file__).parents[1]
FOLDERS = ("flows", "tasks", "schemas", "prompts", "deployments")
FILES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]

PICKLING = {
    "schemas/errors.py": "whether an exception can go through a pipe of ours",
    "tasks/mock/world.py": "copies of what this process has made",
    "tasks/side_process.py": "a pipe to a process of ours",
    "tasks/teacher/engine/channel.py": "a pipe to a process of ours",
    "tasks/trainer/checkpoints.py": "takes no names but those on a list",
    "tasks/trainer/convert.py": "what torch's own reader raises",
    "tasks/trainer/train.py": "what torch's own reader raises",
}
"""Who may import pickle, and what for."""

IMPORTING = {
    "flows/command_line.py": "the flows by their names in a table",
    "flows/toolherd.py": "the commands by their names in a table",
    "tasks/side_process.py": "rooms by their names in a table",
    "tasks/teacher/counting.py": "tiktoken, where it is installed",
}

FORBIDDEN_CALLS = {"torch.load", "eval", "exec", "yaml.unsafe_load", "yaml.full_load", "__import__", "pickle.load"}


def name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def list_calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def list_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{one.name}" for one in node.names))


def test_only_who_is_listed_touches_a_pickle() -> None:
    pickling = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    found = {str(path.relative_to(ROOT)) for path in FILES if pickling & set(list_imports(path))}
    assert found <= set(PICKLING)


def test_only_who_is_listed_imports_by_a_name() -> None:
    importing = {"importlib.import_module", "pkgutil.resolve_name", "runpy"}
    found = {str(path.relative_to(ROOT)) for path in FILES if importing & set(list_imports(path))}
    assert found <= set(IMPORTING)


def test_nothing_is_called_that_runs_what_it_reads() -> None:
    found = {f"{path.name}: {name(call.func)}" for path in FILES for call in list_calls(path)}
    assert {one for one in found if one.partition(": ")[2] in FORBIDDEN_CALLS} == set()


def test_each_model_is_loaded_without_its_code() -> None:
    """By keyword, and not by what is usual: that has changed before."""
    loads = [call for path in FILES for call in list_calls(path) if name(call.func).endswith(".from_pretrained")]
    told = [{one.arg: ast.unparse(one.value) for one in call.keywords} for call in loads]
    assert len(told) >= 3
    assert {keywords.get("trust_remote_code") for keywords in told} == {"False"}
    weights = [keywords for keywords, call in zip(told, loads, strict=True) if "Model" in name(call.func)]
    assert {keywords.get("weights_only") for keywords in weights} == {"True"}


def test_yaml_makes_nothing_but_values(tmp_path: Path) -> None:
    loaders = {path.name for path in FILES for call in list_calls(path) if name(call.func) == "yaml.load"}
    assert loaders <= {"decode.py", "words.py"}
    (tmp_path / "words.yaml").write_text(f"!!python/object/apply:pathlib.Path.touch ['{tmp_path}/it was run']")
    with pytest.raises(DecodeProblem):
        decode_yaml((tmp_path / "words.yaml").read_text())
    with pytest.raises(YAMLError, match="could not determine a constructor"):
        load_words(tmp_path / "words.yaml")
    assert not (tmp_path / "it was run").exists()


@pytest.mark.parametrize("kind", ["a pickle", "a result of Prefect", "a pickle in the payload"])
def test_an_artifact_that_is_a_pickle_or_names_one_is_not_there(tmp_path: Path, kind: str) -> None:
    root, mark = DataRoot(str(tmp_path / "data")), tmp_path / "it was run"
    path = Path(str(root.path("specify", "boats", "0123.json")))
    path.parent.mkdir(parents=True)
    if kind == "a pickle":
        lay_mine(path, mark)
    else:
        told = {
            "metadata": {"serializer": {"type": "pickle", "picklelib": "pickle"}, "storage_key": "0123"},
            "result": pickle.dumps(Mine(mark)).hex(),
        }
        text = json.dumps(told)
        path.write_text(text if kind == "a result of Prefect" else f'{{"sha256": "0", "payload":\n{text}\n}}\n')
    assert find_artifact(root, "specify", "boats", "0123") is None
    assert not mark.exists()


async def test_prefect_looks_for_no_result_of_ours_in_its_own_storage(tmp_path: Path) -> None:
    """A result there names the serializer that reads it."""

    async def find(key: str) -> None:
        return None

    mark = tmp_path / "it was run"
    record = {
        "metadata": {
            "storage_key": "key", "expiration": None, "prefect_version": "3.8.8",
            "serializer": {"type": "pickle", "picklelib": "cloudpickle", "picklelib_version": None},
        },
        "result": base64.encodebytes(pickle.dumps(Mine(mark))).decode(),
    }  # fmt: skip
    (tmp_path / "key").write_text(json.dumps(record))
    with temporary_settings({PREFECT_RESULTS_LOCAL_STORAGE_PATH: str(tmp_path)}):
        assert await ResultStore(result_storage=LocalFileSystem(basepath=str(tmp_path))).aread("key")
        assert mark.exists()  # so it is a mine
        mark.unlink()
        store = ResultStore(result_storage=FoundResults.by(find))
        assert not await store.aexists("key")
        with pytest.raises(FileNotFoundError):
            await store.aread("key")
    assert not mark.exists()
