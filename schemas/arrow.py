"""The Arrow schemas of the Parquet tables, written out so that no column's type is ever guessed from the data."""

import pyarrow as pa

_TOOL_CALL = pa.struct([("id", pa.string()), ("name", pa.string()), ("arguments", pa.string())])

_MESSAGE = pa.struct(
    [
        ("role", pa.string()),
        ("content", pa.string()),
        ("tool_calls", pa.list_(_TOOL_CALL)),
        ("tool_call_id", pa.string()),
    ]
)

INSTANCE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("api_id", pa.string()),
        ("api_name", pa.string()),
        ("category", pa.string()),
        ("kind", pa.string()),
        ("instruction", pa.string()),
        ("tools", pa.string()),
        ("messages", pa.list_(_MESSAGE)),
        ("functions_called", pa.list_(pa.string())),
        ("num_calls", pa.int32()),
        ("accepted", pa.bool_()),
        ("reasons", pa.list_(pa.string())),
        ("checks", pa.string()),
        ("teacher", pa.string()),
        ("executor", pa.string()),
        ("recipe_hash", pa.string()),
        ("prompt_versions", pa.string()),
        ("seed", pa.int64()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
        ("cost_usd", pa.float64()),
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("sampling", pa.string()),
        ("left_out", pa.list_(pa.string())),
        ("end_state", pa.string()),
        ("judge_process", pa.bool_()),
        ("judge_response", pa.bool_()),
        ("judge_agreement", pa.float64()),
        ("judge_votes", pa.string()),
    ]
)
"""`schemas.instance.Instance`: train.parquet, test.parquet, rejected.parquet."""

API_SCHEMA = pa.schema(
    [
        ("api_id", pa.string()),
        ("name", pa.string()),
        ("description", pa.string()),
        ("category", pa.string()),
        ("link", pa.string()),
        ("auth", pa.string()),
        ("https", pa.bool_()),
        ("cors", pa.string()),
        ("introduction", pa.string()),
        ("document", pa.string()),
        ("functions", pa.string()),
        ("num_functions", pa.int32()),
        ("audit", pa.string()),
        ("teacher", pa.string()),
        ("accepted", pa.bool_()),
        ("rejected_at", pa.string()),
        ("reasons", pa.list_(pa.string())),
    ]
)
"""`schemas.instance.ApiRow`: toolset.parquet."""

CALL_SCHEMA = pa.schema(
    [
        ("stage", pa.string()),
        ("api_id", pa.string()),
        ("owner", pa.string()),
        ("model", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
        ("reasoning_tokens", pa.int64()),
        ("cost_usd", pa.float64()),
        ("latency_s", pa.float64()),
        ("attempts", pa.int32()),
        ("stored", pa.bool_()),
        ("finish_reason", pa.string()),
        ("fingerprint", pa.string()),
        ("batched", pa.bool_()),
        ("role", pa.string()),
        ("estimated", pa.bool_()),
        ("sampling", pa.string()),
        ("left_out", pa.list_(pa.string())),
    ]
)
"""`schemas.calls.LedgerRow`: calls.parquet."""

COMPLETION_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("scheme", pa.string()),
        ("endpoint", pa.string()),
        ("model", pa.string()),
        ("finish_reason", pa.string()),
        ("created_at", pa.float64()),
        ("hits", pa.int64()),
        ("completion", pa.string()),
    ]
)
"""Completions of the durable store: created_at in seconds since 1970, exactly as kept; `completion` is JSON."""
