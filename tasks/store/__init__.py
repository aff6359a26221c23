"""The data root, and the only room that touches it: artifacts, datasets, their cards, reports and exports."""

from tasks.store.exports import EXPORT_FORMATS, ExportedFile, check_export_formats, export_dataset
from tasks.store.parquet import content_hash_of_rows, read_table
from tasks.store.publish import publish_dataset, read_manifest
from tasks.store.root import DataRoot
from tasks.store.rows import build_instance
from tasks.store.split import split_apis
from tasks.store.versions import (
    check_dataset_name,
    get_dataset_path,
    list_datasets,
    list_versions,
    next_version,
    read_latest,
    require_new_version,
    resolve_dataset,
)

__all__ = [
    "EXPORT_FORMATS",
    "DataRoot",
    "ExportedFile",
    "build_instance",
    "check_dataset_name",
    "check_export_formats",
    "content_hash_of_rows",
    "export_dataset",
    "get_dataset_path",
    "list_datasets",
    "list_versions",
    "next_version",
    "publish_dataset",
    "read_latest",
    "read_manifest",
    "read_table",
    "require_new_version",
    "resolve_dataset",
    "split_apis",
]
