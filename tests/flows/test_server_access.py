"""The server's password, where it listens, and under which names it may be asked."""

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from flows import server_access
from flows.server_access import (
    ADDRESS_VARIABLE,
    HOSTS_VARIABLE,
    ServerPlace,
    ask,
    close_home,
    get_password_file,
    make_password,
    open_socket,
    read_password,
    read_place,
)
from schemas.errors import ToolHerdError, UserError
from tests.answering import Quiet, answer_by

OWN = ("127.0.0.1", "localhost", "[::1]")


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ADDRESS_VARIABLE, HOSTS_VARIABLE):
        monkeypatch.delenv(name, raising=False)


class TestPassword:
    def test_it_is_made_once_in_a_file_that_only_its_owner_reads(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            made = make_password(tmp_path)
        finally:
            os.umask(before)
        file = get_password_file(tmp_path)
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text() == f"{made}\n"
        assert [path.name for path in tmp_path.iterdir()] == ["toolherd-server.secret"]
        assert make_password(tmp_path) == read_password(tmp_path) == made

    def test_no_two_are_the_same_and_none_can_be_guessed(self, tmp_path: Path) -> None:
        made = set()
        for number in range(20):
            (tmp_path / str(number)).mkdir()
            made.add(make_password(tmp_path / str(number)))
        assert len(made) == 20
        assert all(len(one.removeprefix("toolherd:")) >= 43 for one in made)  # 256 bits

    def test_it_is_whole_before_it_has_its_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever ends the process, nothing is taken for a password that is none, and nobody could read it."""
        seen: list[tuple[str, int]] = []

        def look(made: str, file: Path) -> None:
            assert not file.exists()
            seen.append((Path(made).read_text(), Path(made).stat().st_mode & 0o777))
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", look)
        with pytest.raises(KeyboardInterrupt):
            make_password(tmp_path)
        ((text, mode),) = seen
        assert mode == 0o600
        assert text.startswith("toolherd:")
        assert text.endswith("\n")
        assert read_password(tmp_path) is None

    def test_one_that_the_operator_wrote_is_taken(self, tmp_path: Path) -> None:
        get_password_file(tmp_path).write_text("ida:swordfish:1")
        assert make_password(tmp_path) == "ida:swordfish:1"

    @pytest.mark.parametrize("text", ["", "\n", "swordfish", ":x", "x:", "a:b c", "a:b\nc:d", "ä:ö"])
    def test_what_is_none_is_told_and_not_replaced(self, text: str, tmp_path: Path) -> None:
        get_password_file(tmp_path).write_text(text)
        with pytest.raises(UserError, match=r"toolherd-server.secret holds no line .* remove it"):
            make_password(tmp_path)
        assert get_password_file(tmp_path).read_text() == text

    def test_what_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        get_password_file(tmp_path).mkdir()
        with pytest.raises(UserError, match="cannot be read"):
            read_password(tmp_path)
        get_password_file(tmp_path).rmdir()
        get_password_file(tmp_path).write_bytes(b"\xff\xfe")
        with pytest.raises(UserError, match="cannot be read"):
            read_password(tmp_path)


class TestHome:
    def test_what_an_older_version_left_open_is_closed(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        (home / "storage").mkdir(parents=True)
        for path in (home / "prefect.db", home / "toolherd-server.log"):
            path.touch()
            path.chmod(0o664)
        (home / "storage").chmod(0o775)
        home.chmod(0o775)
        close_home(home)
        assert {path.name: path.stat().st_mode & 0o777 for path in (home, *home.iterdir())} == {
            "home": 0o700, "storage": 0o700, "prefect.db": 0o600, "toolherd-server.log": 0o600,
        }  # fmt: skip

    def test_one_that_cannot_be_closed_holds_no_password(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tmp_path.chmod(0o777)
        monkeypatch.setattr(Path, "chmod", lambda self, mode: None)  # as file systems do that know no rights
        with pytest.raises(UserError, match=r"stays open to other accounts.*set PREFECT_HOME"):
            close_home(tmp_path)

    def test_one_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match=r"cannot be kept in .*/file/home .*: set PREFECT_HOME"):
            close_home(tmp_path / "file" / "home")


class TestPlace:
    def test_by_itself_it_is_there_for_this_machine_alone(self) -> None:
        assert read_place() == ServerPlace("127.0.0.1", OWN)
        assert read_place().host == "127.0.0.1"

    @pytest.mark.parametrize(
        ("address", "names", "host", "known_as"),
        [
            ("", "tools.example.org", "127.0.0.1", ("tools.example.org",)),
            ("0.0.0.0", "server, 10.0.0.5,", "127.0.0.1", ("server", "10.0.0.5")),
            (" 10.0.0.5 ", "", "10.0.0.5", ("10.0.0.5",)),
            ("10.0.0.5", "*.example.org", "10.0.0.5", ("10.0.0.5", "*.example.org")),
            ("::", "[fd00::5]", "[::1]", ("[fd00::5]",)),
            ("fd00::5", "", "[fd00::5]", ("[fd00::5]",)),
            ("::1", "localhost", "[::1]", ()),
        ],
    )
    def test_the_operator_opens_it_by_address_and_by_name(
        self, address: str, names: str, host: str, known_as: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ADDRESS_VARIABLE, address)
        monkeypatch.setenv(HOSTS_VARIABLE, names)
        place = read_place()
        assert (place.host, place.names) == (host, (*OWN, *known_as))

    @pytest.mark.parametrize(
        ("address", "names", "said"),
        [
            ("server", "", "TOOLHERD_SERVER_HOST: 'server' is no IP address"),
            ("10.0.0.5:4200", "", "TOOLHERD_SERVER_HOST: '10.0.0.5:4200' is no IP address"),
            ("0.0.0.0", "", "name in TOOLHERD_SERVER_ALLOWED_HOSTS what they call this one"),
            ("::", " , ", "name in TOOLHERD_SERVER_ALLOWED_HOSTS what they call this one"),
            ("", "*", r"TOOLHERD_SERVER_ALLOWED_HOSTS: '\*' is no host name"),
            ("", "a.*.b", "is no host name"),
            ("", "http://server", "'http://server' is no host name"),
            ("", "server:4200", "'server:4200' is no host name"),
            ("", "fd00::5", "is no host name"),
        ],
    )
    def test_what_is_no_place_is_told(
        self, address: str, names: str, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ADDRESS_VARIABLE, address)
        monkeypatch.setenv(HOSTS_VARIABLE, names)
        with pytest.raises(UserError, match=said):
            read_place()


class TestSocket:
    def test_a_port_that_is_taken_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            monkeypatch.setattr(server_access, "FIRST_PORT", port)
            with open_socket(ServerPlace("127.0.0.1", OWN)) as listening:
                assert listening.getsockname()[1] > port

    def test_a_port_that_is_given_out_is_given_to_nobody_else(self) -> None:
        with open_socket(ServerPlace("127.0.0.1", OWN)) as one, open_socket(ServerPlace("127.0.0.1", OWN)) as other:
            assert one.getsockname() != other.getsockname()

    def test_by_itself_it_listens_on_loopback_alone(self) -> None:
        with open_socket(read_place()) as listening:
            assert listening.getsockname()[0] == "127.0.0.1"

    def test_an_address_of_another_machine_is_told(self) -> None:
        with pytest.raises(UserError, match=r"TOOLHERD_SERVER_HOST: 192.0.2.7 is no address of this machine"):
            open_socket(ServerPlace("192.0.2.7", OWN))

    def test_where_no_port_is_free_the_way_out_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[int] = []

        def refuse(address: tuple[str, int], **_: object) -> None:
            tried.append(address[1])
            raise OSError("in use")

        monkeypatch.setattr(socket, "create_server", refuse)
        with pytest.raises(ToolHerdError, match=r"no free port from 4200 on .* set PREFECT_API_URL to a running one"):
            open_socket(ServerPlace("127.0.0.1", OWN))
        assert tried == list(range(4200, 4400))


class _Moved(Quiet, BaseHTTPRequestHandler):
    """Sends everybody elsewhere, and notes who came with what."""

    came: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.came.append((self.path, self.headers["Authorization"]))
        self.send_response(302 if self.path.startswith("/old") else 200)
        self.send_header("Location", self.path.replace("/old", "/new"))
        self.end_headers()


@pytest.fixture
def moved() -> Iterator[str]:
    _Moved.came.clear()
    with answer_by(_Moved) as address:
        yield address


def test_whoever_is_asked_is_not_followed_elsewhere_with_the_password(moved: str) -> None:
    assert ask(f"{moved}/old/api", "/health", "a:b") == 302
    assert _Moved.came == [("/old/api/health", "Basic YTpi")]
    assert ask(f"{moved}/new/api/", "/health") == 200
    assert _Moved.came[1:] == [("/new/api/health", None)]


def test_what_speaks_no_http_has_not_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/api"

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert ask(address, "/health") == 0
        thread.join()
