"""The whole way with the real trainer on the CPU: dataset, flow, kill -9, resume, model folder, a tool call."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from flows.build_dataset import build_dataset
from flows.progress import Lines
from flows.session import Launch, use_launch
from flows.train import train
from flows.train_inputs import gather_train_inputs
from schemas.instance import Instance
from schemas.manifest import DatasetRef
from schemas.models import TrainSummary
from schemas.parameters import BuildDatasetParams
from schemas.training import TrainParams
from tasks.datasets import DataRoot, read_table
from tasks.supervision.events import read_steps
from tasks.supervision.processes import CHILD_MARK, find_processes
from tests.bare import BarePython
from tests.flows.parts import write_document
from tests.tasks.supervision.parts import list_living
from tests.train_extra import needs_train_extra

pytestmark = [pytest.mark.usefixtures("prefect"), needs_train_extra]

STEPS = 60
"""Enough to learn one row by heart."""

BUILD = """
import json, sys
from pathlib import Path
from tests.tasks.trainer.tiny import build_vicuna
build_vicuna(Path(sys.argv[1]), vocabulary=800, hidden=256, texts=json.loads(sys.argv[2]))
"""

GENERATE = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, messages, tools = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
prompt = tokenizer.apply_chat_template(
    messages, tools=tools, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
made = model.generate(**prompt, max_new_tokens=120, do_sample=False)
print(tokenizer.decode(made[0, prompt["input_ids"].shape[1]:]))
"""
"""What a reader of the card would do, with nothing of ours; the flow's process must not import torch."""


async def make_one_row(folder: Path, data_root: DataRoot) -> tuple[DatasetRef, Instance]:
    """A dataset of one conversation with one call, by the embedded teacher."""
    (folder / "catalogue").mkdir()
    write_document(folder / "catalogue" / "boats.json")
    shares = {"multi_call": 0, "missing_detail": 0, "no_tool": 0, "error_recovery": 0}
    asked = {"catalog": str(folder / "catalogue"), "name": "one", "instructions": 1, "test_share": 0, "shares": shares}
    summary = await build_dataset(BuildDatasetParams.model_validate(asked))
    (row,) = read_table(data_root.path("datasets", "one", "v1", "train.parquet"), Instance)
    return summary.dataset, row


def list_texts(row: Instance) -> list[str]:
    """What the tokenizer is to know."""
    texts = [row.tools, "USER: ASSISTANT: TOOL: <tool_call> </tool_call> <tool_response> </tool_response>"]
    for message in row.messages:
        texts.append(message.content or "")
        texts += [json.dumps({"name": call.name, "arguments": call.arguments}) for call in message.tool_calls]
    return texts


async def kill_trainer(run: Path, step: int) -> None:
    """SIGKILL to the process that trains, once it is past a step."""
    while not (steps := read_steps(run / "events.jsonl")) or steps[-1].step < step:
        await asyncio.sleep(0.1)
    found = find_processes(CHILD_MARK, str(run))
    (trainer,) = (one for one, parent in found.items() if parent in found)
    os.kill(trainer, signal.SIGKILL)


async def run_flow(params: TrainParams) -> TrainSummary:
    inputs = await asyncio.to_thread(gather_train_inputs, params)
    with use_launch(Launch(inputs, Lines())):
        return await train(params)


@pytest.mark.forced
async def test_a_killed_run_goes_on_and_leaves_a_model_that_calls_a_tool(
    tmp_path: Path,
    data_root: DataRoot,
    bare_python: BarePython,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a model this small spends most of its time waiting for other threads
    dataset, row = await make_one_row(tmp_path, data_root)
    bare_python.run(BUILD, str(tmp_path / "vicuna"), json.dumps(list_texts(row)))
    params = TrainParams(
        model=str(tmp_path / "vicuna"), dataset="one", name="tiny", cpu=True, max_length=1024, effective_batch=1,
        epochs=1000, max_steps=STEPS, learning_rate=4e-3, save_every=10,
    )  # fmt: skip
    run = tmp_path / "data" / "models" / "tiny"
    killing = asyncio.ensure_future(kill_trainer(run, 13))
    summary = await run_flow(params)
    await killing

    said = capsys.readouterr().err
    assert "it is started again from its last whole checkpoint (1 of 3)" in said
    assert "going on from the checkpoint of step 10" in said
    assert summary.steps == STEPS
    assert [step.step for step in read_steps(run / "events.jsonl")] == list(range(1, STEPS + 1))
    assert summary.first_loss is not None
    assert summary.last_loss is not None
    assert summary.last_loss < summary.first_loss / 5
    assert summary.prepared.kept == summary.prepared.rows == dataset.counts["train.parquet"] == 1
    assert summary.peak_memory > 0
    assert list_living(str(run)) == set()

    folder = run / "final"
    assert {"config.json", "chat_template.jinja", "README.md", "loss.png"} <= {path.name for path in folder.iterdir()}
    assert not (run / "checkpoints").exists()
    messages: list[dict[str, Any]] = [{"role": one.role, "content": one.content} for one in row.messages[:2]]
    reply = bare_python.run(GENERATE, str(folder), json.dumps(messages), row.tools)
    _, _, rest = reply.partition("<tool_call>")
    (expected,) = row.messages[2].tool_calls
    call = {"name": expected.name, "arguments": json.loads(expected.arguments)}
    assert rest.partition("</tool_call>")[0].strip() == json.dumps(call), reply
