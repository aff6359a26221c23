"""The finished model's folder loads by itself, writes calls that can be read, and holds what was trained."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from trl.chat_template_utils import parse_response

from schemas.training import PreparedData
from tasks.trainer.endings import EXIT_STATUS
from tests.tasks.trainer.episodes import SYSTEM, TOOLS, make_row, one_call, parallel_calls, write_rows
from tests.tasks.trainer.runs import make_spec, read_end, read_steps, run_child

Prepare = Callable[..., tuple[Path, PreparedData]]


@pytest.fixture(scope="module")
def learned(children: Any, vicuna: Path, prepare_rows: Prepare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The final folder of a model that has learned two episodes by heart."""
    place = tmp_path_factory.mktemp("learned")
    rows = [make_row(one_call("Paris")), make_row(parallel_calls(), 1)]
    prepared, _ = prepare_rows(write_rows(place / "rows.parquet", rows), max_length=4096)
    asked = {"effective_batch": 2, "max_steps": 90, "learning_rate": 8e-3, "save_every": 1000, "optimizer": "adamw"}
    spec = make_spec(vicuna, prepared, place / "run", gradient_checkpointing=False, max_length=4096, **asked)
    assert run_child(children, spec) == EXIT_STATUS["done"], read_end(place / "run").message
    assert read_steps(place / "run")[-1].loss < 0.1
    return place / "run" / "final"


def ask(folder: Path, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """What the model answers, as it would be served."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    history = [{"role": "system", "content": SYSTEM}, *messages]
    prompt = tokenizer.apply_chat_template(
        history, tools=TOOLS, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    ids = model.generate(**prompt, max_new_tokens=120)[0].tolist()
    asked = prompt["input_ids"].shape[1]
    answer: dict[str, Any] = parse_response(tokenizer, ids[asked:], prefix=ids[:asked])
    return answer


def test_the_model_calls_the_tool_that_it_was_taught_to_call(learned: Path) -> None:
    answer = ask(learned, [{"role": "user", "content": "How warm is it in Paris?"}])
    calls = [one["function"] for one in answer["tool_calls"]]
    assert calls == [{"name": "getWeather", "arguments": {"city": "Paris"}}]
    assert answer["content"] == "I look up the weather in Paris."


def test_calls_made_together_are_read_apart(learned: Path) -> None:
    answer = ask(learned, [{"role": "user", "content": "How warm is it in Paris and in Rome?"}])
    cities = [one["function"]["arguments"]["city"] for one in answer["tool_calls"]]
    assert cities == ["Paris", "Rome"]


def test_the_model_answers_from_the_result_and_ends(learned: Path) -> None:
    made = {"type": "function", "function": {"name": "getWeather", "arguments": {"city": "Paris"}}}
    turns = one_call("Paris")
    messages = [
        {"role": "user", "content": turns[0]["content"]},
        {"role": "assistant", "content": turns[1]["content"], "tool_calls": [made]},
        {"role": "tool", "content": turns[2]["content"]},
    ]
    answer = ask(learned, messages)
    assert answer["content"] == "It is 5 degrees in Paris."
    assert not answer.get("tool_calls")


def test_the_folder_needs_nothing_of_ours(learned: Path) -> None:
    config = json.loads((learned / "config.json").read_text())
    assert config["use_cache"] is True
    assert "toolherd" not in json.dumps(config)
    assert config["dtype"] == "float32"
    generation = GenerationConfig.from_pretrained(learned)
    assert (generation.eos_token_id, generation.pad_token_id, generation.bos_token_id) == (2, 0, 1)
    assert not generation.do_sample
    assert (generation.temperature, generation.top_p) == (None, None)
    template = (learned / "chat_template.jinja").read_text()
    assert "generation" not in template.replace("add_generation_prompt", "")
    assert template == AutoTokenizer.from_pretrained(learned).chat_template


def test_an_adapter_is_merged_and_again_after_a_kill(children: Any, vicuna: Path, packed: Path, tmp_path: Path) -> None:
    """Merged, it says what base and adapter say together; a run that ended before it was written goes on there."""
    spec = make_spec(vicuna, packed, tmp_path, method="lora", max_steps=4, learning_rate=1e-2)
    base, ids = AutoModelForCausalLM.from_pretrained(vicuna), torch.arange(3, 200)[None]
    with torch.no_grad():
        plain = base(ids).logits
        for _ in range(2):
            assert run_child(children, spec) == EXIT_STATUS["done"], read_end(tmp_path).message
            merged = AutoModelForCausalLM.from_pretrained(tmp_path / "final")(ids).logits
            shutil.rmtree(tmp_path / "final")
            adapter = tmp_path / "checkpoints" / "checkpoint-4"
            adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(vicuna), adapter)(ids).logits
            assert torch.allclose(merged, adapted, atol=1e-4)
            assert not torch.allclose(merged, plain, atol=1e-2)
    assert [event.step for event in read_steps(tmp_path)] == [1, 2, 3, 4]


def test_adafactor_trains_too(children: Any, vicuna: Path, packed: Path, tmp_path: Path) -> None:
    spec = make_spec(vicuna, packed, tmp_path, optimizer="adafactor", max_steps=4, packing=True, attention="sdpa")
    assert run_child(children, spec) == EXIT_STATUS["done"], read_end(tmp_path).message
    losses = [event.loss for event in read_steps(tmp_path)]
    assert losses[-1] < losses[0]
