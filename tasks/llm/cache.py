"""The durable completions, from the command line:  python -m tasks.llm.cache [show | prune | export | import] --help

What it does is in `upkeep`; here are the options and what is printed.
"""

import argparse
import os
import re
import sqlite3
import sys
import time
import zlib
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from schemas.errors import UserError
from tasks.llm.store import STORE_NAME, explain_problem
from tasks.llm.upkeep import (
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
from tasks.store import DataRoot

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    options = _build_parser().parse_args(arguments)
    try:
        path = options.store or _locate_store()
        try:
            _COMMANDS[options.command or "show"](path, options)
        except sqlite3.Error as error:
            raise explain_problem(path, error) from error
        except (zlib.error, ValueError) as error:
            raise UserError(f"{path} holds a completion that cannot be read: {error}") from error
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UserError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _show(path: Path, options: argparse.Namespace) -> None:
    with closing(open_store(path)) as connection:
        groups = summarise(connection)
    count, hits = sum(group.count for group in groups), sum(group.hits for group in groups)
    print(path)
    print(f"{_spell_size(measure_size(path))} on disk, {count:,} completions, served {hits:,} times again")
    endpoint = None
    for group in groups:
        if group.endpoint != endpoint:
            endpoint = group.endpoint
            print(f"\n{endpoint}")
            print(f"  {'model':<22}{'kept':>10}{'prompt':>8}{'answer':>8}{'hits':>8}{'oldest':>11}{'newest':>11}")
        print(_spell_group(group))


def _spell_group(group: Group) -> str:
    """A row of the table; a long model's name has a line of its own, so that it can be copied whole."""
    name = f"  {group.model:<22}" if len(group.model) <= 22 else f"  {group.model}\n{'':24}"
    known = group.prompt or group.completion
    prompt, answer = (_spell_count(group.prompt), _spell_count(group.completion)) if known else ("-", "-")
    days = f"{_spell_day(group.oldest):>11}{_spell_day(group.newest):>11}"
    return f"{name}{group.count:>10,}{prompt:>8}{answer:>8}{_spell_count(group.hits):>8}{days}"


def _prune(path: Path, options: argparse.Namespace) -> None:
    if options.older_than is None and options.model is None:
        raise UserError("prune takes --older-than, --model or both: nothing was removed")
    before = time.time() - (options.older_than or 0)
    with closing(open_store(path)) as connection:
        if options.dry_run:
            print(f"{count_matches(connection, before, options.model):,} completions would go")
            return
        size = measure_size(path)
        gone = prune(connection, before, options.model)
        if gone:
            try:
                reclaim(connection)
            except sqlite3.Error as error:
                print(f"{gone:,} completions removed")
                print(f"the disk did not get their space back ({error}); new ones will use it", file=sys.stderr)
                return
        print(f"{gone:,} completions removed, {_spell_size(max(0, size - measure_size(path)))} freed")


def _export(path: Path, options: argparse.Namespace) -> None:
    if options.file.suffix != ".parquet":
        raise UserError(f"{options.file} does not end in .parquet: nothing was exported")
    if options.file.exists() and path.exists() and options.file.samefile(path):
        raise UserError(f"{options.file} is the store itself: nothing was exported")
    with closing(open_store(path)) as connection:
        exported = export_completions(connection, options.file)
    print(f"{exported.count:,} completions exported to {options.file}")
    if exported.left_out:
        print(f"{exported.left_out:,} of older key schemes left out: nothing asks for them any more", file=sys.stderr)


def _import(path: Path, options: argparse.Namespace) -> None:
    imported = import_completions(path, options.file)
    print(f"{imported.new:,} completions imported, {imported.known:,} were there already and stay as they are")


_COMMANDS = {"show": _show, "prune": _prune, "export": _export, "import": _import}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def _build_parser() -> argparse.ArgumentParser:
    store = "the store's file (default: cache/" + STORE_NAME + " in the data root)"
    parser = _Parser(prog="python -m tasks.llm.cache", description="Look after the durable completions.")
    parser.add_argument("--store", type=Path, metavar="PATH", help=store)
    common = _Parser(add_help=False)
    common.add_argument("--store", type=Path, metavar="PATH", help=store, default=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("show", parents=[common], help="what is kept, by endpoint and model (the default)")
    about = "remove completions, by age, by model, or those of both"
    pruning = commands.add_parser("prune", parents=[common], help=about, description=about)
    pruning.add_argument("--older-than", type=_read_age, metavar="AGE", help="made longer ago: 90m, 12h, 30d, 8w")
    pruning.add_argument("--model", metavar="NAME", help="of this model")
    pruning.add_argument("--dry-run", action="store_true", help="only say how many would go")
    about = "write all completions to a Parquet file; one that is there is replaced"
    exporting = commands.add_parser("export", parents=[common], help=about, description=about)
    exporting.add_argument("file", type=Path, metavar="FILE.parquet")
    about = "add the completions of an exported file; those kept already stay"
    importing = commands.add_parser("import", parents=[common], help=about, description=about)
    importing.add_argument("file", type=Path, metavar="FILE.parquet")
    return parser


def _read_age(text: str) -> float:
    match = _AGE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; write it as 90m, 12h, 30d or 8w")
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
