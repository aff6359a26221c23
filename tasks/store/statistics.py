"""The figures that card, report and manifest show."""

from collections import Counter
from collections.abc import Iterable, Sequence

from schemas.instance import ApiRow, Instance
from schemas.manifest import Statistics
from schemas.reasons import Reason
from tasks.store.templating import write_figure

PAPER: dict[str, float] = {
    "apis": 426,
    "categories": 50,
    "functions_per_api": 4.85,
    "instances": 3938,
    "single_call_instances": 2512,
    "multi_call_instances": 1426,
    "steps_per_instance": 1.66,
}
"""ToolAlpaca's own figures (arXiv 2306.05301, table 1), by field of `Statistics`."""

UNCHECKED = frozenset({"functions_per_api", "single_call_instances", "multi_call_instances", "steps_per_instance"})
"""Those of `PAPER` that are quoted from memory, for no copy of the table was at hand; card and report mark them and say
so. The abstract has 50 categories and 3,938 instances, the authors' repository (issue 15) 426 APIs; 2,512 and 1,426 add
up to 3,938."""

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


def compare_with_paper(statistics: Statistics) -> list[tuple[str, str, str]]:
    """Label, our figure and the paper's as they are printed; an unchecked one has a dagger, one it lacks is empty."""
    ours = statistics.model_dump()
    return [(label, write_figure(ours[field]), _write_paper_figure(field)) for field, label in LABELS.items()]


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


def _write_paper_figure(field: str) -> str:
    if field not in PAPER:
        return ""
    return write_figure(PAPER[field]) + (" †" if field in UNCHECKED else "")


def _order(counts: Counter[str]) -> dict[str, int]:
    return {key: counts[key] for key in sorted(counts, key=lambda key: (-counts[key], key))}


def _average(values: Sequence[int]) -> float:
    return round(sum(values) / len(values), 2) if values else 0.0
