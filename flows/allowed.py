"""What a run that a deployment started may name: the hosts, files and keys that the operator of its worker lists.

Whoever reaches the Prefect server chooses the parameters of such a run, and the worker has files, a network and keys
that are not theirs. The lists stand in the worker's environment, with commas between. On the command line none of this
holds, nor where a program of one's own calls a flow. Imports nothing of Prefect.
"""

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from schemas.calls import ROLES
from schemas.errors import UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.teacher import TeacherSettings
from schemas.training import TrainParams
from schemas.urls import is_url, name_origin
from tasks.datasets import DataRoot
from tasks.network import AddressRefusedError, Guard
from tasks.network.guard import DEFAULT_PORTS
from tasks.sources import BLOCK, BUNDLED, VARIABLE
from tasks.sources.facts import clean_fact
from tasks.teacher import list_endpoints

HOSTS_VARIABLE = "TOOLHERD_ALLOWED_HOSTS"
PATHS_VARIABLE = "TOOLHERD_ALLOWED_PATHS"
KEYS_VARIABLE = "TOOLHERD_ALLOWED_KEYS"

KEY_ENDING = "_API_KEY"

_LOOK_UP_S = 30.0
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?")
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


@dataclass(frozen=True)
class Allowed:
    """The lists: `guard` for hosts, folders and files or URLs, and names of keys, None where these are not listed."""

    guard: Guard
    paths: tuple[str, ...]
    keys: frozenset[str] | None

    def check_data(self, params: BuildToolsetParams) -> None:
        """See that what a run that makes data names is allowed. Raises UserError."""
        self._check_catalog(params.catalog)
        for path in params.benchmarks if isinstance(params, BuildDatasetParams) else ():
            self._check_path("--benchmarks", path)
        if params.prompts is not None:
            self._check_path("--prompts", params.prompts)
        for role in ROLES:
            for settings in list_endpoints(params.get_settings(role)):
                self._check_teacher(f"--{role}", settings)

    def check_training(self, params: TrainParams) -> None:
        """See that what a run that trains names is allowed. Raises UserError."""
        if params.dataset and (not _NAME.fullmatch(params.dataset) or os.path.exists(params.dataset)):
            self._check_path("--dataset", params.dataset)
        if not _HUB_ID.fullmatch(params.model) or os.path.exists(params.model):
            self._check_path("--model", params.model)

    def check_host(self, option: str, url: str) -> None:
        """See that the host of an address is allowed; it is looked up where any public one is. Raises UserError."""
        try:
            asyncio.run(self._find(url))
        except (AddressRefusedError, OSError, ValueError) as error:
            problem = str(error) if isinstance(error, AddressRefusedError) else "its host is not to be found"
            raise _refuse(option, name_origin(url), problem, HOSTS_VARIABLE) from error

    async def _find(self, url: str) -> None:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        self.guard.check_host(host, port)
        if self.guard.reach != "any":
            async with asyncio.timeout(_LOOK_UP_S):
                await self.guard.find(host, port)

    def _check_teacher(self, option: str, teacher: TeacherSettings) -> None:
        if teacher.is_embedded:
            return
        if teacher.base_url is not None:
            self.check_host(f"{option}.base_url", teacher.base_url)
        if teacher.api_key_block is None:
            self._check_key(f"{option}.api_key_env", teacher.api_key_env)
        else:
            self._check_block(f"{option}.api_key_block", teacher.api_key_block)
        for value in teacher.extra_headers.values():
            if value.startswith(VARIABLE):
                self._check_key(f"{option}.extra_headers", value.removeprefix(VARIABLE))

    def _check_catalog(self, source: str) -> None:
        if source.startswith(VARIABLE):
            name = source.removeprefix(VARIABLE)
            self._check_key("--catalog", name)
            if is_url(address := os.environ.get(name, "")):
                self.check_host(f"--catalog {source}", address)
        elif source.startswith(BLOCK):
            self._check_block("--catalog", source.removeprefix(BLOCK))
        elif is_url(source):
            self.check_host("--catalog", source)
        elif source != BUNDLED:
            self._check_path("--catalog", source)

    def _check_path(self, option: str, given: str) -> None:
        if not any(_lies_in(given, place) for place in self.paths):
            problem = f"only what lies in {', '.join(self.paths)} may be read"
            raise _refuse(option, given, problem, PATHS_VARIABLE)

    def _check_key(self, option: str, name: str) -> None:
        if not (name.endswith(KEY_ENDING) if self.keys is None else name in self.keys):
            problem = f"its name does not end in {KEY_ENDING}" if self.keys is None else "it is not listed"
            raise _refuse(option, f"the environment variable {name}", problem, KEYS_VARIABLE)

    def _check_block(self, option: str, name: str) -> None:
        if self.keys is not None and BLOCK + name not in self.keys:
            raise _refuse(option, BLOCK + name, "it is not listed", KEYS_VARIABLE)


def read_allowed() -> Allowed:
    """The lists of this process's environment.

    Without one of hosts, public ones and loopback are allowed; without one of paths, what lies in the data root;
    without one of keys, variables that end in `_API_KEY`, and all blocks.
    """
    hosts, paths, keys = (_read_list(name) for name in (HOSTS_VARIABLE, PATHS_VARIABLE, KEYS_VARIABLE))
    if hosts is None:
        guard = Guard("public or loopback")
    else:
        guard = Guard(hosts=frozenset(host.lower().rstrip(".") for host in hosts))
    places = tuple(paths) if paths is not None else (DataRoot.from_environment().url,)
    return Allowed(guard, places, None if keys is None else frozenset(keys))


def _read_list(variable: str) -> Sequence[str] | None:
    given = os.environ.get(variable, "").strip()
    return [part.strip() for part in given.split(",") if part.strip()] if given else None


def _lies_in(given: str, place: str) -> bool:
    """Whether a path or URL is a place or lies in it; links are followed first, and a URL may not climb."""
    if _is_remote(given) or _is_remote(place):
        climbs = {".", ".."} & set(re.split(r"[/\\]", unquote(given)))
        return not climbs and (given == place or given.startswith(place.rstrip("/") + "/"))
    try:
        return Path(given).expanduser().resolve().is_relative_to(Path(place).expanduser().resolve())
    except (OSError, RuntimeError, ValueError):  # no home folder, a NUL, a loop of links
        return False


def _is_remote(path: str) -> bool:
    """Whether a path is a URL of some file system, or a chain of them (`zip://…::http://…`)."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path) is not None or "::" in path


def _refuse(option: str, given: str, problem: str, variable: str) -> UserError:
    return UserError(
        f"{option}: a run of a deployment may not use {clean_fact(given)[:200]}: {problem}. Whoever runs the worker "
        f"allows it by {variable} in the worker's environment."
    )
