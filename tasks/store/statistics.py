"""The figures that card, report and manifest show."""

from collections import Counter
from collections.abc import Iterable, Sequence

from schemas.instance import ApiRow, Instance
from schemas.manifest import Statistics
from schemas.reasons import Reason

PAPER: dict[str, float] = {"apis": 426, "categories": 50, "instances": 3938}
"""ToolAlpaca's own figures, by field of `Statistics`: arXiv 2306.05301 (50 categories and 3,938 instances: abstract;
426 APIs: the authors' repository, issue 15). The other rows of its table 1 are left out, as they were not verified."""

LABELS: dict[str, str] = {
    "apis": "APIs",
    "categories": "Categories",
    "functions": "Functions",
    "functions_per_api": "Functions per API",
    "instances": "Instances",
    "no_call_instances": "Instances without a call",
    "single_call_instances": "Single-call instances",
    "multi_call_instances": "Multi-call instances",
    "steps_per_instance": "Calls per instance",
    "instruction_words": "Words per instruction",
    "response_words": "Words per response",
}
"""What the fields of `Statistics` are called in print, in the order of printing."""


def compute_statistics(rows: Sequence[Instance], apis: Iterable[ApiRow]) -> Statistics:
    """The figures of table 1 over the accepted among `rows`; `apis` tells how many functions each API has."""
    accepted = [row for row in rows if row.accepted]
    used = {row.api_id for row in accepted}
    functions = [api.num_functions for api in apis if api.api_id in used]
    return Statistics(
        apis=len(used),
        categories=len({row.category for row in accepted}),
        functions=sum(functions),
        functions_per_api=_average(functions),
        instances=len(accepted),
        no_call_instances=sum(row.num_calls == 0 for row in accepted),
        single_call_instances=sum(row.num_calls == 1 for row in accepted),
        multi_call_instances=sum(row.num_calls > 1 for row in accepted),
        steps_per_instance=_average([row.num_calls for row in accepted]),
        instruction_words=_average([count_words(row.instruction) for row in accepted]),
        response_words=_average([count_words(row.response) for row in accepted]),
    )


def count_words(text: str) -> int:
    """Runs of non-space characters."""
    return len(text.split())


def count_kinds(rows: Iterable[Instance]) -> dict[str, int]:
    """Accepted rows by kind, most first."""
    return _order(Counter(row.kind.value for row in rows if row.accepted))


def count_categories(rows: Iterable[Instance]) -> dict[str, int]:
    """Accepted rows by category, most first."""
    return _order(Counter(row.category for row in rows if row.accepted))


def count_reasons(rows: Iterable[Instance]) -> dict[Reason, int]:
    """How many rows were rejected for each reason, most first; a row with two reasons counts under both."""
    counts = Counter(reason for row in rows for reason in row.reasons)
    return {reason: counts[reason] for reason in sorted(counts, key=lambda reason: (-counts[reason], reason.value))}


def _order(counts: Counter[str]) -> dict[str, int]:
    return {key: counts[key] for key in sorted(counts, key=lambda key: (-counts[key], key))}


def _average(values: Sequence[int]) -> float:
    return round(sum(values) / len(values), 2) if values else 0.0
