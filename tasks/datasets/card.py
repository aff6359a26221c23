"""The dataset card: README.md with the front matter that Hugging Face reads."""

from collections.abc import Sequence
from typing import Any

import yaml

from schemas.arrow import INSTANCE_SCHEMA
from schemas.instance import ApiRow
from schemas.manifest import Manifest
from schemas.reasons import DESCRIPTIONS, Reason
from tasks.datasets.pages import load_page
from tasks.datasets.statistics import compare_with_paper

OFFLINE = "offline"
"""What the embedded teacher is called in `teacher`."""

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

_COLUMNS = {
    "id": "the instruction's id",
    "api_id": "the API's id, the key of `toolset.parquet`",
    "api_name": "the API's name in the catalogue",
    "category": "the API's category in the catalogue",
    "kind": "what the instruction exercises",
    "instruction": "what the user asks first",
    "tools": "the functions on offer, as `tools` of a chat completion request (JSON string)",
    "messages": "the whole conversation, system message first; `arguments` of a call is the assistant's own JSON text",
    "functions_called": "the functions called, in order",
    "num_calls": "how many calls",
    "accepted": "whether every check passed",
    "reasons": "why the row was rejected",
    "checks": "each check's verdict (JSON string)",
    "teacher": "the model that wrote the text",
    "executor": "what answered the calls",
    "recipe_hash": "a hash of all that the row depends on besides its input",
    "prompt_versions": "each prompt's version (JSON string)",
    "seed": "the seed of the episode's world",
    "input_tokens": "prompt tokens spent on the row",
    "output_tokens": "completion tokens spent on the row",
    "cached_tokens": "prompt tokens that the endpoint had cached",
    "cost_usd": "cost in US dollars; null where a price is unknown",
    "created_at": "when the row was made (UTC)",
    "sampling": "sampling and seeds that the endpoint was told; null where it chose (JSON string)",
    "left_out": "what requests went without, because the endpoint does not take it",
    "end_state": "JSON: what the calls made, changed and removed; null where what answered cannot tell",
    "judge_process": "whether most judges find the calls right; null without judges",
    "judge_response": "the same of the final response",
    "judge_agreement": "the share of the judges who say so, of both the lower; null of fewer than two",
    "judge_votes": "JSON: each judge's grades, with reasons",
}


def render_card(manifest: Manifest, rejected_apis: Sequence[ApiRow]) -> str:
    """README.md of a dataset."""
    return load_page("card.md.jinja").render(
        front_matter=yaml.safe_dump(_build_front_matter(manifest), sort_keys=False),
        manifest=manifest,
        facts=manifest.facts,
        offline=manifest.facts.teacher == OFFLINE,
        figures=compare_with_paper(manifest.statistics),
        reasons=[(code, DESCRIPTIONS[Reason(code)], count) for code, count in manifest.reasons.items()],
        columns=[
            (name, str(INSTANCE_SCHEMA.field(name).type).replace("item: ", ""), text) for name, text in _COLUMNS.items()
        ],
        rejected_apis=rejected_apis,
    )


def _build_front_matter(manifest: Manifest) -> dict[str, Any]:
    instances = manifest.statistics.instances
    return {
        "pretty_name": f"ToolHerd {manifest.name} {manifest.version}",
        "license": "apache-2.0" if manifest.facts.teacher == OFFLINE else "other",
        "language": ["en"],
        "task_categories": ["text-generation"],
        "tags": ["tool-use", "function-calling", "agents", "synthetic", "openapi"],
        "size_categories": [next((label for limit, label in _SIZES if instances < limit), "n>1M")],
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
