"""The durable completions, from the command line:  toolherd completions [show | prune | export | …] --help

What it does is in `tasks/completions/maintenance.py`; here are the options and what is printed.
"""

import os
import re
import sqlite3
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from flows.terminal import say, warn
from schemas.errors import UserError
from schemas.shown import show_line
from tasks.completions.maintenance import (
    Group,
    count_matches,
    export_completions,
    import_completions,
    measure_size,
    open_store,
    prune,
    reclaim,
    summarise,
)
from tasks.completions.store import STORE_NAME, explain_problem
from tasks.datasets import DataRoot

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


Store = Annotated[
    Path | None,
    Parameter(help=f"the store's file; without it cache/{STORE_NAME} in the data root", name="--store"),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["--store"]:  # it may stand before the command too
        given = given[2:] + given[:2]
    try:
        make_completions_app()(given, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        stray = error.unused_tokens if isinstance(error, UnusedCliTokensError) else None
        said = f"there is no command {stray[0]!r}" if stray else show_line(error)
        warn(f"error: {said} (see toolherd completions --help)")
        return 2
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UserError, OSError) as error:
        warn(f"error: {show_line(error)}")
        return 2
    except KeyboardInterrupt:
        warn("interrupted")
        return 130
    return 0


def make_completions_app() -> App:
    """The command with its options."""
    app = App(
        name="toolherd completions",
        help="Looks after the durable completions.",
        help_flags=("--help", "-h"),
        version_flags=(),
        result_action="return_value",
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative=()),
    )
    app.default(_show)
    for name, command in (
        ("show", _show),
        ("prune", _prune),
        ("export", _export),
        ("import", _import),
        ("forget", _forget),
    ):
        app.command(command, name=name)
    return app


@contextmanager
def _use_store(given: Path | None) -> Iterator[Path]:
    """The store's file; what is wrong with it is raised as a UserError."""
    path = given or _locate_store()
    try:
        yield path
    except sqlite3.Error as error:
        raise explain_problem(path, error) from error
    except (zlib.error, ValueError) as error:
        raise UserError(f"{path} holds a completion that cannot be read: {error}") from error


def _show(*, store: Store = None) -> None:
    """What is kept, by endpoint and model (the default)."""
    with _use_store(store) as path, closing(open_store(path)) as connection:
        groups = summarise(connection)
    count, hits = sum(group.count for group in groups), sum(group.hits for group in groups)
    say(str(path))
    say(f"{_spell_size(measure_size(path))} on disk, {count:,} completions, served {hits:,} times again")
    endpoint = None
    for group in groups:
        if group.endpoint != endpoint:
            endpoint = group.endpoint
            say()
            say(show_line(endpoint))
            say(f"  {'model':<22}{'kept':>10}{'prompt':>8}{'answer':>8}{'hits':>8}{'oldest':>11}{'newest':>11}")
        for line in _spell_group(group).split("\n"):
            say(line)


def _spell_group(group: Group) -> str:
    """A row of the table; a long model's name has a line of its own, so that it can be copied whole."""
    model = show_line(group.model)
    name = f"  {model:<22}" if len(model) <= 22 else f"  {model}\n{'':24}"
    known = group.prompt or group.completion
    prompt, answer = (_spell_count(group.prompt), _spell_count(group.completion)) if known else ("-", "-")
    days = f"{_spell_day(group.oldest):>11}{_spell_day(group.newest):>11}"
    return f"{name}{group.count:>10,}{prompt:>8}{answer:>8}{_spell_count(group.hits):>8}{days}"


def _prune(
    *,
    older_than: Annotated[str | None, Parameter(help="made longer ago: 90m, 12h, 30d, 8w")] = None,
    model: Annotated[str | None, Parameter(help="of this model")] = None,
    dry_run: Annotated[bool, Parameter(help="only say how many would go")] = False,
    store: Store = None,
) -> None:
    """Remove completions, by age, by model, or those of both."""
    if older_than is None and model is None:
        raise UserError("prune takes --older-than, --model or both: nothing was removed")
    before = time.time() - (0 if older_than is None else _read_age(older_than))
    with _use_store(store) as path, closing(open_store(path)) as connection:
        if dry_run:
            say(f"{count_matches(connection, before, model):,} completions would go")
            return
        size = measure_size(path)
        gone = prune(connection, before, model)
        if gone:
            try:
                reclaim(connection)
            except sqlite3.Error as error:
                say(f"{gone:,} completions removed")
                warn(f"the disk did not get their space back ({error}); new ones will use it")
                return
        say(f"{gone:,} completions removed, {_spell_size(max(0, size - measure_size(path)))} freed")


def _export(file: Annotated[Path, Parameter(help="a .parquet file")], /, *, store: Store = None) -> None:
    """Write all completions to a Parquet file; one that is there is replaced."""
    if file.suffix != ".parquet":
        raise UserError(f"{file} does not end in .parquet: nothing was exported")
    with _use_store(store) as path:
        if file.exists() and path.exists() and file.samefile(path):
            raise UserError(f"{file} is the store itself: nothing was exported")
        with closing(open_store(path)) as connection:
            exported = export_completions(connection, file)
    say(f"{exported.count:,} completions exported to {file}")
    if exported.left_out:
        warn(f"{exported.left_out:,} of older key schemes left out: nothing asks for them any more")


def _import(file: Annotated[Path, Parameter(help="an exported .parquet file")], /, *, store: Store = None) -> None:
    """Add the completions of an exported file; those kept already stay."""
    with _use_store(store) as path:
        imported = import_completions(path, file)
    say(f"{imported.new:,} completions imported, {imported.known:,} were there already and stay as they are")


def _forget(*, model: Annotated[str | None, Parameter(help="of this model")] = None, store: Store = None) -> None:
    """Forget what was found of endpoints, so that they are asked anew what they take; completions stay."""
    from tasks.teacher.sending.memory import Memory  # with the SDK, which nothing else here needs

    with _use_store(store) as path:
        gone = Memory(path).forget(model)
    say(f"{gone:,} endpoints and models forgotten: what they take is found anew")


def _read_age(text: str) -> float:
    match = _AGE.fullmatch(text)
    if match is None:
        raise UserError(f"--older-than {text!r} is no age; write it as 90m, 12h, 30d or 8w")
    return float(match[1]) * _UNITS[match[2]]


def _locate_store() -> Path:
    root = DataRoot.from_environment()
    if not root.is_local:
        raise UserError(
            f"the data root {root.url} is no folder: name the store, which a run keeps beside it, by --store"
        )
    return Path(str(root.cache / STORE_NAME))


def _spell_size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"


def _spell_count(count: int) -> str:
    for least, unit, name in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if count >= least:
            return f"{count / unit:.1f}{name}"
    return f"{count:,}"


def _spell_day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


if __name__ == "__main__":
    sys.exit(main())
