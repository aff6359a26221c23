"""The figures that card, report and manifest show, counted row by row."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.instance import Instance
from schemas.manifest import Statistics
from tasks.datasets.pages import write_figure

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


@dataclass
class Tally:
    """What is counted of rows: of accepted ones by API, category, kind, calls and words (lengths); of all by reason."""

    accepted: int = 0
    rejected: int = 0
    apis: set[str] = field(default_factory=set)
    categories: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    calls: Counter[int] = field(default_factory=Counter)
    instruction_words: Counter[int] = field(default_factory=Counter)
    response_words: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, row: Instance) -> None:
        """Count a row; one with two reasons counts under both."""
        self.reasons.update(reason.value for reason in row.reasons)
        if not row.accepted:
            self.rejected += 1
            return
        self.accepted += 1
        self.apis.add(row.api_id)
        self.categories[row.category] += 1
        self.kinds[row.kind.value] += 1
        self.calls[row.num_calls] += 1
        self.instruction_words[count_words(row.instruction)] += 1
        self.response_words[count_words(row.response)] += 1


def compute_statistics(tally: Tally, functions: Mapping[str, int]) -> Statistics:
    """The figures of table 1 over the accepted rows; `functions` tells how many each API has."""
    used = Counter(functions[api_id] for api_id in tally.apis if api_id in functions)
    return Statistics(
        apis=len(tally.apis),
        categories=len(tally.categories),
        functions=_sum(used),
        functions_per_api=_average(used),
        instances=tally.accepted,
        no_call_instances=tally.calls[0],
        single_call_instances=tally.calls[1],
        multi_call_instances=sum(count for calls, count in tally.calls.items() if calls > 1),
        steps_per_instance=_average(tally.calls),
        instruction_words=_average(tally.instruction_words),
        response_words=_average(tally.response_words),
    )


def compare_with_paper(statistics: Statistics) -> list[tuple[str, str, str]]:
    """Label, our figure and the paper's as they are printed; an unchecked one has a dagger, one it lacks is empty."""
    ours = statistics.model_dump()
    return [(label, write_figure(ours[field]), _write_paper_figure(field)) for field, label in LABELS.items()]


def count_words(text: str) -> int:
    """Runs of non-space characters."""
    return len(text.split())


def _write_paper_figure(field: str) -> str:
    if field not in PAPER:
        return ""
    return write_figure(PAPER[field]) + (" †" if field in UNCHECKED else "")


def order_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts, most first."""
    return {key: counts[key] for key in sorted(counts, key=lambda key: (-counts[key], key))}


def _sum(counts: Counter[int]) -> int:
    return sum(value * count for value, count in counts.items())


def _average(counts: Counter[int]) -> float:
    """The mean of values that came so many times each."""
    return round(_sum(counts) / counts.total(), 2) if counts else 0.0
