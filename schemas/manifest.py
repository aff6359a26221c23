"""What a dataset says of itself: its facts, statistics, manifest, and the reference to it."""

from datetime import datetime

from pydantic import Field

from schemas.base import Json, Record

FORMAT = 1
"""What `Manifest.format` is in datasets that are made now; docs/formats.md says how it is raised."""


class DatasetFacts(Record):
    """What the flow knows of a dataset and the rows do not say.

    `catalog_source` and `catalog_note` tell where the catalogue's facts come from; `parameters` are the flow's own.
    `unfinished_apis` is how many APIs the run had no budget to finish: with any, the dataset is partial. `teachers` are
    the models by role, where a role had one of its own; `teacher` names all of them.
    """

    teacher: str
    executor: str
    seed: int
    recipe_hash: str
    prompt_versions: dict[str, str]
    created_at: datetime
    catalog_source: str = "bundled"
    catalog_note: str = ""
    code_version: str = ""
    unfinished_apis: int = 0
    parameters: dict[str, Json] = Field(default_factory=dict)
    teachers: dict[str, str] = Field(default_factory=dict)


class Statistics(Record):
    """The figures of ToolAlpaca's table 1 (arXiv 2306.05301), over accepted instances and the APIs that have one.

    Lengths are in words (runs of non-space characters); steps are tool calls of an instance. Averages are 0.0 of
    nothing.
    """

    apis: int
    categories: int
    functions: int
    functions_per_api: float
    instances: int
    no_call_instances: int
    single_call_instances: int
    multi_call_instances: int
    steps_per_instance: float
    instruction_words: float
    response_words: float


class TableFacts(Record):
    """One file of a dataset: rows, size in bytes, SHA-256 of the file, and the hash of what the rows say."""

    rows: int
    bytes: int
    sha256: str
    content_hash: str


class Manifest(Record):
    """`manifest.json`: written last; a version that has one is complete. `format` is that of the whole folder.

    `left_out` counts the completions that went without a parameter or form, because the endpoint does not take it
    (`Completion.left_out`); what was wished is in `facts.parameters`.
    `cached_tokens` are those of the prompts that the endpoint itself had cached.
    """

    format: int = 1  # what has none is of the first
    name: str
    version: str
    facts: DatasetFacts
    statistics: Statistics
    kinds: dict[str, int]
    reasons: dict[str, int]
    test_apis: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cost_usd: float | None
    tables: dict[str, TableFacts]
    left_out: dict[str, int] = Field(default_factory=dict)


class DatasetRef(Record):
    """A finished dataset: its folder (a path or URL), counts, and the content hash of train.parquet."""

    name: str
    version: str
    path: str
    content_hash: str
    counts: dict[str, int]
