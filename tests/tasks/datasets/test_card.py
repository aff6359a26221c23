"""The dataset card: what Hugging Face reads of it, and what people do."""

import secrets
from typing import Any

import pytest
import yaml

from schemas.arrow import INSTANCE_SCHEMA
from schemas.instance import ApiRow
from schemas.manifest import Manifest
from schemas.reasons import DESCRIPTIONS, Reason
from tasks.datasets.card import render_card
from tasks.datasets.manifests import read_manifest
from tasks.datasets.publish import publish_dataset
from tasks.datasets.root import DataRoot
from tasks.datasets.rows import build_rejected_api_row
from tasks.datasets.versions import resolve_dataset
from tests.tasks.datasets.samples import build_facts, build_rejected_api, build_sample_content


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    root = DataRoot(f"memory://{secrets.token_hex(8)}")
    publish_dataset(root, "demo", "mine", build_sample_content(), build_facts())
    return read_manifest(resolve_dataset(root, "demo"))


def write_card(manifest: Manifest, facts: dict[str, Any] | None = None, rejected: int = 1, **changes: Any) -> str:
    broken = build_rejected_api_row(build_rejected_api())
    update = {"facts": build_facts(**(facts or {})), **changes}
    apis = [broken.model_copy(update={"name": f"{broken.name} {n}"}) for n in range(rejected)]
    return render_card(manifest.model_copy(update=update), apis)


def read_front_matter(card: str) -> dict[str, Any]:
    front: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return front


def test_the_front_matter_is_what_hugging_face_reads(manifest: Manifest) -> None:
    assert read_front_matter(write_card(manifest)) == {
        "pretty_name": "ToolHerd demo mine",
        "license": "apache-2.0",
        "language": ["en"],
        "task_categories": ["text-generation"],
        "tags": ["tool-use", "function-calling", "agents", "synthetic", "openapi"],
        "size_categories": ["n<1K"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "train.parquet"},
                    {"split": "test", "path": "test.parquet"},
                ],
            }
        ],
    }
    assert write_card(manifest).endswith("named.\n")
    assert write_card(manifest).startswith("---\npretty_name: ToolHerd demo mine\nlicense:")


@pytest.mark.parametrize(
    ("instances", "size"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (9_999, "1K<n<10K"),
        (10_000, "10K<n<100K"),
        (99_999, "10K<n<100K"),
        (100_000, "100K<n<1M"),
        (999_999, "100K<n<1M"),
        (1_000_000, "n>1M"),
    ],
)
def test_the_size_is_one_of_hugging_faces(manifest: Manifest, instances: int, size: str) -> None:
    statistics = manifest.statistics.model_copy(update={"instances": instances})
    card = write_card(manifest, statistics=statistics)
    assert read_front_matter(card)["size_categories"] == [size]
    assert f"{instances:,} verified tool-use conversations over 4 APIs of 4 categories" in card


def test_the_card_says_that_the_embedded_teacher_is_no_language_model(manifest: Manifest) -> None:
    card = write_card(manifest)
    assert "a grammar, not a language model" in card
    assert "Its provider's terms apply" not in card


def test_the_card_of_a_real_teacher_speaks_of_its_terms(manifest: Manifest) -> None:
    card = write_card(manifest, {"teacher": "gpt-x", "executor": "live"})
    assert "not a language model" not in card
    assert "`gpt-x`. Its provider's terms apply" in card
    assert "The calls were answered by `live`" in card
    assert read_front_matter(card)["license"] == "other"


def test_the_card_tells_what_made_the_dataset(manifest: Manifest) -> None:
    card = write_card(manifest, {"seed": 7}, input_tokens=12_345, output_tokens=67, cost_usd=1.005)
    for row in (
        "| teacher | `offline` |", "| executor | `mock` |", "| seed | 7 |", "| recipe | `0123456789abcdef` |",
        "| made | 2026-03-04 05:06 UTC |", "| tokens in / out | 12,345 / 67 |",
        "| Instances | 20 | 3,938 |", "| Multi-call instances | 8 | 1,426 † |", "| Words per response |",
        "| `single_call` | 4 |", "| `train.parquet` | 15 |", "| `rejected.parquet` | 3 |",
        "| `assistant` | 3 |", "| `user` | 2 |",
    ):  # fmt: skip
        assert row in card, row
    assert card.index("| `assistant` | 3 |") < card.index("| `user` | 2 |")


def test_the_card_tells_what_the_endpoint_did_not_take(manifest: Manifest) -> None:
    card = write_card(manifest, left_out={"seed": 1200, "tools.$ref": 3})
    assert "| not taken by the endpoint | `seed` (1,200 completions), `tools.$ref` (3 completions) |\n| cost |" in card
    assert "not taken" not in write_card(manifest, left_out={})


@pytest.mark.parametrize(("cost", "told"), [(None, "unknown"), (0.0, "$0.00"), (12.345678, "$12.35")])
def test_the_card_tells_the_cost_where_it_is_known(manifest: Manifest, cost: float | None, told: str) -> None:
    assert f"| cost | {told} |" in write_card(manifest, cost_usd=cost)


@pytest.mark.parametrize(
    ("note", "told"), [("", "(`a list`).\n"), ("after it, made anew.", "(`a list`): after it, made anew.\n")]
)
def test_the_card_says_where_the_catalogue_is_from(manifest: Manifest, note: str, told: str) -> None:
    assert told in write_card(manifest, {"catalog_source": "a list", "catalog_note": note})


def test_every_column_is_described_with_its_type(manifest: Manifest) -> None:
    card = write_card(manifest)
    rows = [line.split(" | ") for line in card[card.index("| column |") :].split("\n\n")[0].splitlines()[2:]]
    assert [row[0] for row in rows] == [f"| `{name}`" for name in INSTANCE_SCHEMA.names]
    types = {row[0].strip("| `"): row[1] for row in rows}
    assert (types["num_calls"], types["functions_called"], types["cost_usd"]) == (
        "`int32`", "`list<string>`", "`double`",
    )  # fmt: skip
    assert all(len(row[2]) > len(" |") for row in rows)


def test_reasons_are_told_with_what_they_mean_and_how_often(manifest: Manifest) -> None:
    card = write_card(manifest)
    assert f"| `ungrounded_argument` | {DESCRIPTIONS[Reason.UNGROUNDED_ARGUMENT]} | 2 |" in card
    assert "| `near_duplicate` |" in card
    assert "| kind | instances |\n| --- | ---: |\n| `error_recovery` | 4 |\n| `missing_detail` | 4 |\n" in card
    assert "No row was rejected." not in card
    without = write_card(manifest, reasons={})
    assert "No row was rejected." in without
    assert "| reason |" not in without


def test_a_partial_dataset_says_so(manifest: Manifest) -> None:
    assert "before 1,200 more APIs were finished" in write_card(manifest, {"unfinished_apis": 1200})
    assert "Partial" not in write_card(manifest)


def test_rejected_apis_are_told_with_their_first_problem_and_many_are_counted(manifest: Manifest) -> None:
    card = write_card(manifest, rejected=20)
    assert "APIs that did not become a toolset: 20." in card
    assert "| Broken \\| API 19 | specify |" in card
    assert "more | | |" not in card
    card = write_card(manifest, rejected=22)
    assert "APIs that did not become a toolset: 22." in card
    assert "| Broken \\| API 20 |" not in card
    assert "| … and 2 more | | |" in card
    assert "did not become a toolset" not in write_card(manifest, rejected=0)


def test_an_api_without_a_problem_has_an_empty_cell(manifest: Manifest) -> None:
    api: ApiRow = build_rejected_api_row(build_rejected_api().model_copy(update={"problems": ()}))
    assert "| Broken \\| API | specify |  |" in render_card(manifest, [api])


def test_markup_in_names_and_problems_stays_text(manifest: Manifest) -> None:
    card = write_card(manifest, {"teacher": "a`b|c", "prompt_versions": {"x": "*1*"}})
    assert "<script>" not in card
    assert "| Broken \\| API 0 | specify | paths./a: reference loop &lt;script&gt;alert(1)&lt;/script&gt; |" in card
    assert "| teacher | `a'b\\|c` |" in card
    assert "| `x` | \\*1\\* |" in card
