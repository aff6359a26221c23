"""What the trainer's tests share: a tiny Vicuna, tokenizers of other families, and rows that are prepared once."""

import copy
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from schemas.training import PreparedData, PrepareSpec
from tests.tasks.trainer.episodes import make_rows, write_rows
from tests.tasks.trainer.tiny import build_byte_level, build_vicuna

Build = Callable[..., Any]
"""What `build` is: callbacks, and options by name, into a WholeTrainer."""

LLAMA3_CONTROLS = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>"]
QWEN_CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def read_own_template(name: str) -> str:
    """A model's own chat template, as trl keeps it."""
    trl = find_spec("trl")
    if trl is None or not trl.submodule_search_locations:
        pytest.skip("the train extra is not installed: make setup-train")
    folder = Path(trl.submodule_search_locations[0]) / "chat_templates"  # to import it takes ten seconds
    return (folder / f"{name}.jinja").read_text(encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Threads that wait for one another on a busy machine made a test of one second take seventy."""
    os.environ["OMP_NUM_THREADS"] = "1"  # where torch is loaded later, or in a child
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def vicuna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder."""
    pytest.importorskip("torch")
    return build_vicuna(tmp_path_factory.mktemp("models") / "vicuna")


@pytest.fixture(scope="session")
def tokenizers(vicuna: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A tokenizer of each family with the chat template that its models come with."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokenizers")
    return {
        "vicuna": AutoTokenizer.from_pretrained(vicuna),
        "qwen2_5": build_byte_level(folder / "a", QWEN_CONTROLS, read_own_template("qwen2_5"), "<|im_end|>"),
        "qwen3": build_byte_level(folder / "b", QWEN_CONTROLS, read_own_template("qwen3"), "<|im_end|>"),
        "llama3": build_byte_level(folder / "c", LLAMA3_CONTROLS, read_own_template("llama3_1"), "<|eot_id|>"),
    }


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.parquet with 36 rows of all shapes."""
    return write_rows(tmp_path_factory.mktemp("rows") / "train.parquet", make_rows(36))


@pytest.fixture(scope="session")
def prepare_rows(vicuna: Path, rows_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Prepares `rows_file`, or another, for `vicuna`: (folder, PreparedData)."""
    from tasks.trainer.prepare import prepare

    def run(file: Path = rows_file, **changed: Any) -> tuple[Path, PreparedData]:
        folder = tmp_path_factory.mktemp("prepared") / "data"
        asked = {
            "train_file": str(file),
            "model": str(vicuna),
            "template": "auto",
            "max_length": 1024,
            "packing": True,
            "seed": 0,
            "output": str(folder),
        }
        return folder, prepare(PrepareSpec.model_validate(asked | changed), lambda line: None)

    return run


@pytest.fixture(scope="session")
def packed(prepare_rows: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 18 packed rows, three of each shape, for runs."""
    rows = write_rows(tmp_path_factory.mktemp("rows") / "train.parquet", make_rows(18))
    folder: Path = prepare_rows(rows)[0]
    return folder


@pytest.fixture
def build(vicuna: Path, packed: Path, tokenizers: dict[str, Any], tmp_path: Path) -> Build:
    """A trainer of the tiny model on five packed sequences, which is told no more than it is asked for."""
    import pyarrow.parquet as pq
    from datasets import Dataset

    from tasks.trainer.fine_tuning import Options, build_trainer, load_model

    def run(*callbacks: Any, **options: Any) -> Any:
        given = {"folder": tmp_path, "accumulation": 1, "learning_rate": 1e-3, "cpu": True, **options}
        sequences = Dataset(pq.read_table(packed / "sequences.parquet").slice(0, 5))
        model = load_model(str(vicuna), given.get("method", "full"), True, "sdpa")
        tokenizer = copy.deepcopy(tokenizers["vicuna"])  # what is saved gets another template
        return build_trainer(model, tokenizer, sequences, Options(**given), callbacks)

    return run


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts back what this process does at the signals that a trainer takes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def children(one_thread: None) -> Any:
    """Starts child processes from one that imports trl while the tests go on: ten seconds are spent once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.tasks.trainer.preload"])
    multiprocessing.forkserver.ensure_running()
    return context


@pytest.fixture(scope="session", autouse=True)
def head_start(request: pytest.FixtureRequest) -> None:
    """What takes long to load begins with the first test, if one will ask for it; not in each of xdist's workers."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    if not hasattr(request.config, "workerinput"):
        for name in ("children", "bare_python"):
            if name in asked:
                request.getfixturevalue(name)
