"""Writes the five tables of a dataset while its rows pass by, and gathers what manifest, card and report say of them.

No more is held than what has been counted, the rows that wait for their row group, and the sample of the report.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from upath import UPath

from schemas.calls import LedgerRow
from schemas.instance import ApiRow, Instance
from schemas.manifest import TableFacts
from tasks.datasets.parquet import TableWriter
from tasks.datasets.sample import Outline, Sample
from tasks.datasets.statistics import Tally

TRAIN, TEST, REJECTED = INSTANCE_TABLES = ("train.parquet", "test.parquet", "rejected.parquet")
TOOLSET, CALLS = "toolset.parquet", "calls.parquet"
TABLES = frozenset({*INSTANCE_TABLES, TOOLSET, CALLS})
"""All that a dataset has."""


@dataclass(frozen=True)
class ApiPart:
    """An API's row of `toolset.parquet` and its rows of `calls.parquet`."""

    row: ApiRow
    calls: Sequence[LedgerRow]


@dataclass(frozen=True)
class Content:
    """What a dataset is made of; `rows` and `apis` are read once, in this order, and may be made as they are read.

    The tables keep the order of `rows`, which is by id, and of `apis`, by API. There is an outline for each row.
    """

    outlines: Sequence[Outline]
    rows: Iterable[Instance]
    apis: Iterable[ApiPart]


@dataclass
class Spending:
    """Tokens and cost of completions, and what they went without; the cost is None where one is unknown, or of none."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    unpriced: int = 0
    priced_usd: float = 0.0
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, call: LedgerRow) -> None:
        """Count a completion."""
        self.calls += 1
        self.input_tokens += call.prompt_tokens
        self.output_tokens += call.completion_tokens
        self.cached_tokens += call.cached_tokens
        self.unpriced += call.cost_usd is None
        self.priced_usd += call.cost_usd or 0.0
        self.left_out.update(call.left_out)

    @property
    def cost_usd(self) -> float | None:
        """US dollars, to a millionth."""
        return round(self.priced_usd, 6) if self.calls and not self.unpriced else None


@dataclass
class WrittenTables:
    """What is known of tables that have been written; `functions` counts those of each API."""

    sample: Sample
    tables: dict[str, TableFacts] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    spending: Spending = field(default_factory=Spending)
    functions: dict[str, int] = field(default_factory=dict)
    rejected_apis: list[ApiRow] = field(default_factory=list)


def write_instances(folder: UPath, content: Content, test_apis: frozenset[str]) -> WrittenTables:
    """Write the tables of instances; accepted ones of `test_apis` make up the test set."""
    draft = WrittenTables(Sample(content.outlines, test_apis))
    with ExitStack() as stack:
        writers = {name: stack.enter_context(TableWriter(folder / name, Instance)) for name in INSTANCE_TABLES}
        for row in content.rows:
            writers[(TEST if row.api_id in test_apis else TRAIN) if row.accepted else REJECTED].add(row)
            draft.tally.add(row)
            draft.sample.add(row)
        draft.tables |= {name: writer.finish() for name, writer in writers.items()}
    return draft


def write_apis(folder: UPath, content: Content, draft: WrittenTables) -> None:
    """Write the tables of APIs and calls, and add to the draft what there is to know of them."""
    with (
        TableWriter(folder / TOOLSET, ApiRow) as toolset,
        TableWriter(folder / CALLS, LedgerRow) as calls,
    ):
        for api in content.apis:
            toolset.add(api.row)
            draft.functions[api.row.api_id] = api.row.num_functions
            draft.sample.introduce(api.row)
            if not api.row.accepted:
                draft.rejected_apis.append(api.row)
            for call in api.calls:
                calls.add(call)
                draft.spending.add(call)
        draft.tables |= {TOOLSET: toolset.finish(), CALLS: calls.finish()}
