"""Every bound of a parameter, from both sides, and the defaults that the README tells."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.base import Record
from schemas.parameters import BuildDatasetParams, BuildToolsetParams, KindShares
from schemas.teacher import TeacherSettings
from schemas.training import TrainParams

BOUNDS: list[tuple[type[Record], str, list[Any], list[Any]]] = [
    (BuildToolsetParams, "catalog", ["x"], [""]),
    (BuildToolsetParams, "apis", [1, 5000, "all"], [0, -1, "some", None, 1.5]),
    (BuildToolsetParams, "auth", [["none", "apiKey", "OAuth", "other"]], [["oauth"], "none"]),
    (BuildToolsetParams, "seed", [0, 2**31 - 1], [-1, 2**31]),
    (BuildToolsetParams, "in_flight", [None, 1, 1024], [0, 1025]),
    (BuildToolsetParams, "max_error_share", [0.001, 1], [0, 1.001]),
    (BuildToolsetParams, "document_limit_s", [0.001, 86_400], [0, 86_401, "inf"]),
    (BuildToolsetParams, "document_limit_mb", [512, 100_000], [511]),
    (BuildToolsetParams, "budget", [{"usd": 0.01}, {"tokens": 1}, {"calls": 1}, {}],
     [{"usd": 0}, {"tokens": 0}, {"calls": 0}, {"eur": 1}]),
    (BuildDatasetParams, "instructions", [1, 1000], [0, 1001]),
    (BuildDatasetParams, "test_share", [0, 0.999], [-0.001, 1]),
    (BuildDatasetParams, "export", [["trl", "toolalpaca", "sharegpt", "xlam"], []], [["csv"]]),
    (BuildDatasetParams, "shares", [{"no_tool": 0}, {"no_tool": 1}], [{"no_tool": -0.1}, {"no_tool": 1.1}, {"x": 1}]),
    (TeacherSettings, "model", ["x"], [""]),
    (TeacherSettings, "api_key_env", ["x"], [""]),
    (TeacherSettings, "api_key_block", [None, "x"], [""]),
    (TeacherSettings, "temperature", [None, 0, 2.5], [-0.1]),
    (TeacherSettings, "concurrency", [1], [0]),
    (TeacherSettings, "rpm", [None, 1], [0]),
    (TeacherSettings, "tpm", [None, 1], [0]),
    (TeacherSettings, "timeout_s", [0.1], [0]),
    (TeacherSettings, "attempts", [1], [0]),
    (TeacherSettings, "give_up_s", [0.1], [0]),
    (TeacherSettings, "error_rate", [0, 1], [-0.1, 1.1]),
    (TeacherSettings, "base_url", [None, "http://h", "https://h:80/v1"],
     ["h/v1", "ftp://h/v1", "http:///v1", "http://me@h/v1", "http://h/v1?x=1"]),
    (TrainParams, "model", ["x"], [""]),
    (TrainParams, "method", ["full", "lora"], ["qlora"]),
    (TrainParams, "template", ["auto", "vicuna", "react"], ["chatml"]),
    (TrainParams, "epochs", [0.1], [0]),
    (TrainParams, "max_steps", [None, 1], [0]),
    (TrainParams, "learning_rate", [None, 1e-9], [0]),
    (TrainParams, "warmup_share", [0, 0.999], [-0.1, 1]),
    (TrainParams, "weight_decay", [0], [-0.1]),
    (TrainParams, "effective_batch", [1], [0]),
    (TrainParams, "max_length", [128], [127]),
    (TrainParams, "attention", ["auto", "varlen", "sdpa"], ["flash"]),
    (TrainParams, "optimizer", ["adamw", "adafactor"], ["sgd"]),
    (TrainParams, "lora_rank", [1], [0]),
    (TrainParams, "lora_alpha", [1], [0]),
    (TrainParams, "save_every", [1], [0]),
    (TrainParams, "seed", [0, 2**31 - 1], [-1, 2**31]),
]  # fmt: skip


@pytest.mark.parametrize(("record", "name", "good", "bad"), BOUNDS, ids=[f"{r.__name__}.{n}" for r, n, _, _ in BOUNDS])
def test_a_parameter_takes_what_is_within_its_bounds_and_nothing_else(
    record: type[Record], name: str, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        record.model_validate({name: value})
    for value in bad:
        with pytest.raises(ValidationError):
            record.model_validate({name: value})


def test_the_defaults_are_those_that_the_readme_tells() -> None:
    params = BuildDatasetParams().model_dump()
    shares = params.pop("shares")
    teacher = params.pop("teacher")
    assert params.pop("user") == params.pop("assistant") == params.pop("simulator") == params.pop("judge") == teacher
    assert params == {
        "catalog": "bundled", "categories": (), "names": (), "auth": (), "apis": 50, "seed": 0, "in_flight": None,
        "max_error_share": 0.5, "budget": {"usd": None, "tokens": None, "calls": None}, "name": "toolherd",
        "version": None, "instructions": 10, "executor": "mock", "judges": 0, "test_share": 0.1,
        "benchmarks": (), "export": (),
        "document_limit_s": 120.0, "document_limit_mb": 1024, "prompts": None,
        "retry_rejected": False,
    }  # fmt: skip
    assert shares == {
        "single_call": 0.45, "multi_call": 0.35, "missing_detail": 0.08, "no_tool": 0.06, "error_recovery": 0.06,
    }  # fmt: skip
    assert teacher.pop("max_tokens") == {
        "document": 16_384, "specify": 16_384, "instruct": 16_384, "assistant": 16_384, "user": 8_192, "judge": 8_192,
        "simulator": 4_096,
    }  # fmt: skip
    assert teacher == {
        "model": "offline", "preset": None, "base_url": None, "api_version": None, "api_key_env": "OPENAI_API_KEY",
        "api_key_block": None, "extra_headers": {}, "fallback": (), "temperature": 0.7, "top_p": None,
        "reasoning_effort": "", "extra_body": {}, "concurrency": 64, "rpm": None, "tpm": None, "timeout_s": 120,
        "attempts": 6, "give_up_s": 900, "stream": "auto", "caching": None, "batch": False, "written_calls": "auto",
        "error_rate": 0,
    }  # fmt: skip


def test_training_is_toolalpacas_recipe_by_default() -> None:
    assert TrainParams().model_dump() == {
        "dataset": "", "model": "lmsys/vicuna-7b-v1.5", "name": "", "method": "full", "template": "auto",
        "epochs": 3, "max_steps": None, "learning_rate": None, "warmup_share": 0.03, "weight_decay": 0,
        "effective_batch": 128, "max_length": 4096, "packing": True, "attention": "auto", "optimizer": "adamw",
        "gradient_checkpointing": True, "lora_rank": 16, "lora_alpha": 32, "cpu": False, "save_every": 50, "seed": 0,
    }  # fmt: skip


def test_one_share_above_nought_is_enough() -> None:
    nought = {kind: 0.0 for kind in ("single_call", "multi_call", "missing_detail", "no_tool", "error_recovery")}
    for kind in nought:
        shares = KindShares.model_validate({**nought, kind: 0.01})
        assert {one.value: share for one, share in shares.by_kind().items() if share} == {kind: 0.01}


def test_the_embedded_teacher_is_the_one_named_offline_and_asked_at_no_address() -> None:
    assert not TeacherSettings(model="gpt-x").is_embedded
    assert not TeacherSettings(model="offline", base_url="http://h/v1").is_embedded
    TeacherSettings(batch=True, model="gpt-x")
    TeacherSettings(batch=True, base_url="http://h/v1")


def test_the_key_comes_from_the_block_where_one_is_named() -> None:
    assert TeacherSettings().key_source == "the environment variable OPENAI_API_KEY"
    assert TeacherSettings(api_key_env="MY_KEY").key_source == "the environment variable MY_KEY"
    assert TeacherSettings(api_key_env="MY_KEY", api_key_block="b").key_source == "the Prefect Secret block 'b'"
