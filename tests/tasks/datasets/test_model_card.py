"""The card of a fine-tuned model."""

import re
from typing import Any

import yaml
from markdown_it import MarkdownIt

from tasks.datasets.model_card import render_model_card
from tests.hostile import ALL, list_unprintable
from tests.tasks.datasets.test_model_runs import DATASET, make_record, make_summary


def read_front_matter(card: str) -> dict[str, Any]:
    front: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return front


def test_the_card_tells_data_recipe_and_figures() -> None:
    card = render_model_card(make_summary(make_record(method="lora")), {"unknown_function": 4000, "no_tool_call": 1})
    for told in (
        "# mine", "`lmsys/vicuna-7b-v1.5` fine-tuned to use tools, on the dataset demo v2 of ToolHerd.",
        "| dataset | demo v2 |", "| teacher | `gpt-x` |", "| calls answered by | `mock` |", f"`{'c' * 64}`",
        f"`{'5' * 64}`", f"`{'r' * 16}`", f"`vicuna`, hash `{'7' * 16}`",
        "| in `train.parquet` | 100 |", "| left out: longer than 4,096 tokens | 7 |",
        "| left out: nothing in them to train on | 3 |", "| trained on | 90 |", "| sequences they make | 20 |",
        "| tokens, of which trained | 80,000, 20,000 |", "| longest, in tokens | 4,000 |",
        "by reason: `unknown_function` 4,000, `no_tool_call` 1.",
        "| optimizer steps | 12 (3.00 epochs) |", "| loss at the first logged step | 2.5000 |",
        "| loss at the last logged step | 0.7500 |", "| highest learning rate | 2e-05 |",
        "| tokens, padding left out | 240,000 |", "| tokens a second (median) | 3,000 |",
        "| peak memory on a device, measured | 60.00 GiB |", "| peak memory, as estimated before | 64.00 GiB |",
        "| device | 2 × NVIDIA Test |", "| `method` | lora |", "| `epochs` | 3.0 |", "| torch | 2 |",
    ):  # fmt: skip
        assert told in card, told
    assert "grammar" not in card


def test_the_recipe_holds_the_parameters_that_were_set_and_are_not_told_elsewhere() -> None:
    recipe = render_model_card(make_summary(make_record(dataset="demo")), {}).split("| parameter | value |")[1]
    for name in ("name", "dataset", "model", "max_steps", "learning_rate"):  # the last two were left to their defaults
        assert f"| `{name}` |" not in recipe
    assert "| `seed` | 0 |" in recipe
    assert "| `max_steps` | 5 |" in render_model_card(make_summary(make_record(max_steps=5)), {})


def test_the_front_matter_is_what_hugging_face_reads() -> None:
    front = read_front_matter(render_model_card(make_summary(make_record()), {}))
    assert front == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "language": ["en"],
        "tags": ["tool-use", "function-calling", "sft", "trl", "toolherd"],
        "base_model": "lmsys/vicuna-7b-v1.5",
    }


def test_what_others_called_their_dataset_stays_text() -> None:
    evil = f"[x](http://evil.example)<img src=x>`a` | b{ALL}"
    dataset = DATASET.model_copy(update={"name": evil, "version": evil, "teacher": evil, "executor": evil})
    record = make_record().model_copy(update={"dataset": dataset})
    card = render_model_card(make_summary(record), {evil: 1})
    assert list_unprintable(card) == []
    page = MarkdownIt("commonmark").enable("table").render(card)
    assert page.count("&lt;img src=x&gt;") >= 6
    assert "<img src=x" not in page
    assert not re.search(r"<a\b[^>]*evil", page)


def test_the_front_matter_keeps_its_order_and_names_as_they_are_written() -> None:
    card = render_model_card(make_summary(make_record(model="lab/modèle")), {})
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert "\nbase_model: lab/modèle\n---\n" in card


def test_the_card_names_no_folder_of_the_machine_that_trained() -> None:
    record = make_record(model="/somewhere/private/my-model")
    card = render_model_card(make_summary(record, first_loss=None, last_loss=None), {})
    assert "somewhere" not in card
    assert "`my-model` fine-tuned" in card
    assert "base_model" not in read_front_matter(card)
    assert "| loss at the first logged step | unknown |" in card
    assert "| loss at the last logged step | unknown |" in card


def test_the_card_says_what_a_grammar_can_teach_where_a_grammar_taught() -> None:
    data = DATASET.model_copy(update={"teacher": "offline"})
    assert "> **The data was made by the embedded teacher, a grammar" in render_model_card(
        make_summary(make_record(data)), {}
    )


def test_nothing_is_said_of_rejected_rows_where_there_were_none() -> None:
    assert "by reason" not in render_model_card(make_summary(make_record()), {})
