"""Realistic values for named, described and typed fields, the same on every machine for the same random generator.

Owns: what kind of value a name asks for (`infer_value_kind`), drawing one that conforms to a schema (`sample_value`),
and what is known of words (`words.py`). The lists lie beside the modules in YAML.
Knows nothing of APIs, requests or episodes.
"""

from tasks.values.merging import COMBINATIONS, flatten_schema, merge_schemas
from tasks.values.names import infer_value_kind
from tasks.values.sampling import sample_value
from tasks.values.texts import ADJECTIVES
from tasks.values.validators import compile_validator, conforms
from tasks.values.words import (
    Words,
    is_plural,
    join_camel,
    join_list,
    join_pascal,
    join_snake,
    load_words,
    name_words,
    pluralize,
    reads_as_noun,
    singularize,
    singularize_last,
    split_name,
    with_article,
)

__all__ = [
    "ADJECTIVES",
    "COMBINATIONS",
    "Words",
    "compile_validator",
    "conforms",
    "flatten_schema",
    "infer_value_kind",
    "is_plural",
    "join_camel",
    "join_list",
    "join_pascal",
    "join_snake",
    "load_words",
    "merge_schemas",
    "name_words",
    "pluralize",
    "reads_as_noun",
    "sample_value",
    "singularize",
    "singularize_last",
    "split_name",
    "with_article",
]
