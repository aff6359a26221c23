"""Names and versions of datasets: which there are, which is next, which is the newest, where one lies.

A version is complete when it has a manifest.json; any other folder is not a dataset, and is never listed.
"""

import re
from typing import Any

from upath import UPath

from schemas.errors import UserError
from tasks.datasets.root import DataRoot

MANIFEST = "manifest.json"
LATEST = "latest"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NUMBERED = re.compile(r"v(\d+)")


def check_dataset_name(name: str, what: str = "dataset name") -> None:
    """Raises UserError unless `name` is 1 to 64 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first."""
    if not _is_usable(name):
        rule = "1 to 64 lower-case letters, digits, dots, underscores or hyphens, the first a letter or digit"
        raise UserError(f"{name!r} is no {what}: use {rule}, and not {LATEST!r}.")


def _is_usable(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name != LATEST


def get_dataset_path(root: DataRoot, name: str, version: str) -> UPath:
    """The folder of a version, whether it exists or not. Raises UserError for a bad name or version."""
    check_dataset_name(name)
    check_dataset_name(version, "dataset version")
    return root.path("datasets", name, version)


def list_versions(root: DataRoot, name: str) -> tuple[str, ...]:
    """The complete versions of a dataset; v2 comes before v10."""
    folders = _list_folders(root.path("datasets", name))
    return tuple(sorted((f.name for f in folders if _is_usable(f.name) and (f / MANIFEST).exists()), key=_natural_key))


def list_datasets(root: DataRoot) -> tuple[str, ...]:
    """The names of all datasets with a complete version, sorted."""
    names = [f.name for f in _list_folders(root.path("datasets")) if _is_usable(f.name)]
    return tuple(sorted(name for name in names if list_versions(root, name)))


def next_version(root: DataRoot, name: str) -> str:
    """`v1`, or one past the highest numbered version that exists, complete or not."""
    check_dataset_name(name)
    taken = [_NUMBERED.fullmatch(folder.name) for folder in _list_folders(root.path("datasets", name))]
    return f"v{max((int(match[1]) for match in taken if match), default=0) + 1}"


def require_new_version(root: DataRoot, name: str, version: str) -> None:
    """Raises UserError if the version exists, or name or version cannot be used."""
    if get_dataset_path(root, name, version).exists():
        raise UserError(f"dataset {name} already has a version {version}: choose another, or leave the version out.")


def read_latest(root: DataRoot, name: str) -> str | None:
    """The version that `latest` names; where it names none, the newest complete one. None if there is none at all.

    A version in which no row was accepted is never named: it is found only where there was never another.
    """
    data = root.read_bytes(root.path("datasets", name, LATEST))
    versions = list_versions(root, name)
    if data is not None and (named := data.decode(errors="replace").strip()) in versions:
        return named
    return versions[-1] if versions else None


def resolve_dataset(root: DataRoot, name_or_path: str, version: str | None = None) -> UPath:
    """The folder of a complete dataset, given as a folder or URL, `name`, or `name/version`.

    Without a version, the newest complete one. Raises UserError, naming what there is, if there is none.
    """
    name = name_or_path
    if version is None:
        try:
            given = UPath(name_or_path)
            if (given / MANIFEST).exists():
                return given
        except (ImportError, ValueError, OSError) as error:
            raise UserError(f"no dataset at {name_or_path!r}: {str(error).splitlines()[0]}.") from error
        name, _, tail = name_or_path.partition("/")
        version = tail or None
    if not _NAME.fullmatch(name):
        raise UserError(f"no dataset at {name_or_path!r}: it is neither a dataset's name nor a folder with {MANIFEST}.")
    if version is None:
        version = read_latest(root, name)
    versions = list_versions(root, name)
    if version is None or not versions:
        known = ", ".join(list_datasets(root)) or "none yet; `make dataset` makes one"
        raise UserError(f"no dataset {name!r} in {root.url} (there is: {known}).")
    if version not in versions:
        raise UserError(f"dataset {name} has no version {version!r} (it has: {', '.join(versions)}).")
    return root.path("datasets", name, version)


def _list_folders(path: UPath) -> list[UPath]:
    """The folders in a folder that are not temporary; none if it does not exist."""
    if not path.exists():
        return []
    return [child for child in path.iterdir() if not child.name.startswith(".") and child.is_dir()]


def _natural_key(version: str) -> tuple[bool, Any]:
    match = _NUMBERED.fullmatch(version)
    return match is None, int(match[1]) if match else version
