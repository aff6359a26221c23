"""Realistic values for named, described and typed fields, the same on every machine for the same random generator.

Owns: what kind of value a name asks for (`infer_value_kind`), and drawing one that conforms to a schema
(`sample_value`).
Knows nothing of APIs, requests or episodes.
"""

from tasks.values.merging import COMBINATIONS, flatten_schema, merge_schemas
from tasks.values.names import infer_value_kind
from tasks.values.sampling import sample_value
from tasks.values.texts import ADJECTIVES
from tasks.values.validators import compile_validator, conforms
from tasks.values.words import pluralize, singularize, split_name

__all__ = [
    "ADJECTIVES",
    "COMBINATIONS",
    "compile_validator",
    "conforms",
    "flatten_schema",
    "infer_value_kind",
    "merge_schemas",
    "pluralize",
    "sample_value",
    "singularize",
    "split_name",
]
