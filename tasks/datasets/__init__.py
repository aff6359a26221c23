"""The data root, and the only room that touches it: artifacts, datasets, their cards, reports and exports."""

from tasks.datasets.artifacts import find_artifact, read_artifact, remove_artifact, write_artifact
from tasks.datasets.card import OFFLINE
from tasks.datasets.exports import EXPORT_FORMATS, export_dataset
from tasks.datasets.manifests import is_unchanged, read_manifest
from tasks.datasets.model_card import render_model_card
from tasks.datasets.model_runs import ModelRun, get_run, locate_models, locate_prepared, name_run
from tasks.datasets.pages import escape_markdown, write_code
from tasks.datasets.parquet import content_hash_of_rows, read_table
from tasks.datasets.publish import describe_dataset, publish_dataset, read_code_version, require_readable
from tasks.datasets.root import DataRoot
from tasks.datasets.rows import build_api_row, build_instance, build_rejected_api_row, clean_text, collect_reasons
from tasks.datasets.sample import Outline
from tasks.datasets.tables import ApiPart, Content
from tasks.datasets.training_sets import fetch_train_file, find_training_set
from tasks.datasets.versions import (
    check_dataset_name,
    get_dataset_path,
    list_versions,
    read_latest,
    require_new_version,
)

__all__ = [
    "EXPORT_FORMATS",
    "OFFLINE",
    "ApiPart",
    "Content",
    "DataRoot",
    "ModelRun",
    "Outline",
    "build_api_row",
    "build_instance",
    "build_rejected_api_row",
    "check_dataset_name",
    "clean_text",
    "collect_reasons",
    "content_hash_of_rows",
    "describe_dataset",
    "escape_markdown",
    "export_dataset",
    "fetch_train_file",
    "find_artifact",
    "find_training_set",
    "get_dataset_path",
    "get_run",
    "is_unchanged",
    "list_versions",
    "locate_models",
    "locate_prepared",
    "name_run",
    "publish_dataset",
    "read_artifact",
    "read_code_version",
    "read_latest",
    "read_manifest",
    "read_table",
    "remove_artifact",
    "render_model_card",
    "require_new_version",
    "require_readable",
    "write_artifact",
    "write_code",
]
