"""A catalogue's address whose query, user or path is a secret: found nowhere, neither kept nor told."""

import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

from flows.command_line import main
from flows.session import open_run
from schemas.errors import UserError
from schemas.parameters import BuildToolsetParams
from tasks.context import RunContext
from tasks.datasets import DataRoot
from tests.flows.runs import Ended, Workplace
from tests.flows.test_secrets import find_files, list_forms, read_database
from tests.tasks.network.servers import answer, raw, redirect, serve_http

LIST = b"# APIs\n### Animals\n| API | Description | Auth | HTTPS | CORS |\n|---|---|---|---|---|\n" + (
    b"| [Cat](https://cat.example) | Cat facts | No | Yes | No |\n"
)
SMALL = ("--apis", "all", "--instructions", "1", "--test_share", "0")


@pytest.fixture(scope="module")
def secret() -> str:
    return f"marked-{secrets.token_hex(12)}"


@pytest.fixture(scope="module")
def url(secret: str) -> Iterator[str]:
    answers = {f"/list.md?sig={secret}": answer(LIST), f"/{secret}": redirect(f"/list.md?sig={secret}")}
    with serve_http(answers) as (address, _):
        yield address


def find_in_server(secret: str) -> list[str]:
    """What the Prefect server's database holds of a secret."""
    database = Path(str(PREFECT_API_DATABASE_CONNECTION_URL.value()).partition("///")[2])
    return [repr(value)[:200] for value in read_database(database) if secret.encode() in repr(value).encode()]


def build(place: Workplace, *options: str) -> Ended:
    ended = place.build(*SMALL, *options)
    assert ended.status == 0, ended.err
    return ended


async def test_neither_the_data_nor_prefect_nor_the_terminal_holds_the_secret(
    prefect: str, tmp_path: Path, url: str, secret: str
) -> None:
    signed, hidden = f"{url}/list.md?sig={secret}", url.replace("://", f"://me:{secret}@") + f"/{secret}"
    place = Workplace(tmp_path, prefect, (("MY_LIST", hidden),))
    witness = f"witness-{secrets.token_hex(4)}"
    build(place, "--catalog", signed, "--name", witness)
    build(place, "--catalog", "env:MY_LIST", "--name", "by-variable")
    found = tmp_path.glob("data/datasets/*/v1/manifest.json")
    manifests = {path.parents[1].name: path.read_text() for path in found}
    assert f'"catalog":"{url}/list.md?hidden-' in manifests[witness].replace(": ", ":")
    assert '"catalog":"env:MY_LIST"' in manifests["by-variable"].replace(": ", ":")
    assert find_in_server(witness) != []  # the search sees parameters
    assert find_in_server(secret) == []
    assert find_files(tmp_path, *list_forms(secret)) == set()
    async with get_client() as client:
        runs = [run for run in await client.read_flow_runs() if run.parameters["params"].get("name") == witness]
    assert runs[0].parameters["params"]["catalog"].startswith(f"{url}/list.md?hidden-")


async def test_a_block_holds_an_address_and_what_is_wrong_with_it_is_one_line(
    prefect: str, tmp_path: Path, url: str, secret: str
) -> None:
    place = Workplace(tmp_path, prefect)
    await Secret(value=f"{url}/list.md?sig={secret}\n").save("my-list", overwrite=True)
    build(place, "--catalog", "block:my-list")
    failed = place.build(*SMALL, "--catalog", "block:no-such-list")
    assert (failed.status, len(failed.said)) == (2, 2)
    assert failed.said[1].startswith("error: --catalog: Prefect has no Secret block 'no-such-list'; make one in its UI")
    assert find_files(tmp_path, *list_forms(secret)) == set()


async def test_what_a_block_holds_is_not_told_where_it_cannot_be_fetched(
    prefect: str, data_root: DataRoot, secret: str, url: str
) -> None:
    run: AbstractAsyncContextManager[RunContext] = open_run(BuildToolsetParams(catalog="block:my-list"))
    await Secret(value=f"{url}/none?sig={secret}").save("my-list", overwrite=True)
    with pytest.raises(UserError) as caught:
        await run.__aenter__()
    assert str(caught.value).startswith("Cannot fetch block:my-list: HTTP status 404; check the address")


@pytest.mark.parametrize(
    ("catalog", "said"),
    [
        ("{user}/list.md", "names a user or a password"),
        ("{url}/none?sig={secret}", "Cannot fetch {url}/none?hidden-"),
        ("{url}/list.md?hidden-01234567", "was left out when it was recorded"),
        ("env:NO_SUCH_LIST", "--catalog env:NO_SUCH_LIST: it holds nothing"),
        ("env:", "--catalog env:: it holds nothing"),
        ("block:", "--catalog block:: no block is named"),
    ],
)
def test_an_address_that_is_no_use_is_one_line_and_status_2(
    catalog: str,
    said: str,
    url: str,
    secret: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    given = {"url": url, "secret": secret, "user": url.replace("://", f"://me:{secret}@")}
    for options in ([], ["--dry-run"]):
        assert main("build_dataset", ["--catalog", catalog.format(**given), *options]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said.format(**given) in err
        assert secret not in err
    assert not (tmp_path / "data").exists()


def test_a_dry_run_starts_no_server_and_so_reads_no_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    assert main("build_dataset", ["--catalog", "block:my-list", "--dry-run"]) == 2
    assert "--catalog block:my-list: a dry run starts no Prefect server" in capsys.readouterr().err


RUN = ("-m", "flows.build_dataset")
IN_BACKGROUND = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    f"os.execv(sys.executable, [sys.executable, *{RUN!r}, *sys.argv[1:]])"
)
"""As a shell starts what a script puts into its background: Ctrl-C is not for it, and a signal of its own is."""


@pytest.mark.forced
@pytest.mark.parametrize(
    ("sign", "program"),
    [(signal.SIGINT, RUN), (signal.SIGTERM, RUN), (signal.SIGINT, ("-c", IN_BACKGROUND))],
    ids=["SIGINT", "SIGTERM", "SIGINT, in a script's background"],
)
def test_a_signal_ends_a_download_at_once(sign: signal.Signals, program: tuple[str, ...], tmp_path: Path) -> None:
    never = threading.Event()
    place = Workplace(tmp_path)
    with serve_http({"/": raw(b"HTTP/1.1 200 OK\r\n\r\n", b"x", pause=never, times=10**6)}) as (slow, asked):
        with place.start("--catalog", slow + "/", program=program) as running:
            running.wait_until(lambda: asked != [], "a download")
            running.send(sign)
            ended = running.wait()
        never.set()
    assert ended.status == (130 if sign == signal.SIGINT else -signal.SIGTERM)
    assert "Traceback" not in ended.err
    assert not place.data.exists()
