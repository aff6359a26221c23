"""The model card: README.md of a fine-tuned model, with the front matter that Hugging Face reads."""

from pathlib import Path
from typing import Any

import yaml

from schemas.models import TrainSummary
from tasks.datasets.card import OFFLINE
from tasks.datasets.pages import load_page


def render_model_card(summary: TrainSummary, dataset_reasons: dict[str, int]) -> str:
    """README.md of a model; `dataset_reasons` counts the rows that its dataset's checks had rejected, by reason."""
    record = summary.record
    params = record.params.model_dump(exclude_none=True, exclude=set(_NAMED))
    return load_page("model_card.md.jinja").render(
        front_matter=yaml.safe_dump(_build_front_matter(summary), sort_keys=False, allow_unicode=True),
        summary=summary,
        record=record,
        params=record.params,
        dataset=record.dataset,
        prepared=summary.prepared,
        base=_name_base(record.params.model),
        offline=record.dataset.teacher == OFFLINE,
        reasons=dataset_reasons,
        recipe=list(params.items()),
        gib=2**30,
    )


_NAMED = frozenset({"name", "dataset", "model"})
"""Parameters that the card tells elsewhere."""


def _name_base(model: str) -> str:
    """The base model as others may know it: a local folder by its last part, for a path says nothing to them."""
    return Path(model).name if model.startswith("/") else model


def _build_front_matter(summary: TrainSummary) -> dict[str, Any]:
    params = summary.record.params
    front: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "language": ["en"],
        "tags": ["tool-use", "function-calling", "sft", "trl", "toolherd"],
    }
    if not params.model.startswith("/"):
        front["base_model"] = params.model
    return front
