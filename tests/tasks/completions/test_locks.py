"""Who sends a request, among processes that share a store."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tasks.completions.locks import Claims
from tests.tasks.teacher.processes import Process, start

ONE, OTHER = "1-" + "a" * 64, "1-" + "f" * 64


def serve_claims(line: "Connection[Any, Any]", path: Path) -> None:
    """Does with the claims of a process of its own what it is told, and says what came of it; until the line ends."""
    claims = Claims(path)
    while True:
        try:
            name, *keys = line.recv()
        except EOFError:
            return
        line.send(getattr(claims, name)(*keys))


def do(other: Process, name: str, *keys: str) -> Any:
    """What became of it in the other process."""
    other.tell((name, *keys))
    return other.hear()


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[Claims]:
    claims = Claims(tmp_path / "claims")
    yield claims
    claims.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Process]:
    """Another process with claims on the same file."""
    with start(serve_claims, tmp_path / "claims") as process:
        yield process


@pytest.mark.forced
class TestBetweenProcesses:
    def test_a_claim_keeps_the_other_out_and_no_other_key_with_it(self, claims: Claims, other: Process) -> None:
        assert do(other, "take", ONE)
        assert not claims.take(ONE)
        assert not claims.take(ONE)  # asking does not get it
        assert claims.take(OTHER)
        assert not do(other, "take", OTHER)

    def test_neighbours_do_not_wait_for_each_other(self, claims: Claims, other: Process) -> None:
        before, key, after = (f"1-{'a' * 49}{place:015x}" for place in (41, 42, 43))
        assert claims.take(key)
        assert do(other, "take", before)
        assert do(other, "take", after)
        claims.give_back(key)
        assert not claims.take(before)
        assert not claims.take(after)
        assert claims.take(key)
        do(other, "give_back", before)  # and not the one beside it
        assert not claims.take(after)
        do(other, "give_back", after)
        assert claims.take(after)
        claims.give_back(key)
        assert not do(other, "take", after)

    def test_it_is_handed_over_when_it_is_given_back_and_goes_back_and_forth(
        self, claims: Claims, other: Process
    ) -> None:
        assert do(other, "take", ONE)
        do(other, "give_back", ONE)
        assert claims.take(ONE)
        assert not do(other, "take", ONE)
        claims.give_back(ONE)
        assert do(other, "take", ONE)
        assert not claims.take(ONE)

    def test_who_gives_back_one_keeps_the_others_and_what_another_has_stays_anothers(
        self, claims: Claims, other: Process
    ) -> None:
        assert claims.take(ONE)
        assert claims.take(OTHER)
        claims.give_back(ONE)
        assert not do(other, "take", OTHER)
        assert do(other, "take", ONE)
        claims.give_back(ONE)
        assert not claims.take(ONE)

    def test_all_are_given_back_when_they_are_closed(self, claims: Claims, other: Process) -> None:
        assert do(other, "take", ONE)
        assert do(other, "take", OTHER)
        do(other, "close")
        assert claims.take(ONE)
        assert claims.take(OTHER)

    def test_and_when_the_process_is_killed(self, claims: Claims, other: Process) -> None:
        assert do(other, "take", ONE)
        assert not claims.take(ONE)
        other.kill()
        assert claims.take(ONE)


def test_within_a_process_a_claim_holds_for_all(claims: Claims) -> None:
    assert claims.take(ONE)
    assert claims.take(ONE)


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        (errno.EACCES, True),
        (errno.EAGAIN, True),
        (errno.ENOLCK, False),
        (errno.ENOSYS, False),
        (errno.EOPNOTSUPP, False),
        (errno.EINVAL, False),
    ],
    ids=errno.errorcode.get,
)
def test_where_no_locks_are_known_everybody_has_every_claim(
    claims: Claims, number: int, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    assert claims.take(ONE) == (not taken)
    claims.give_back(ONE)


def test_the_file_is_made_once_for_its_owner_to_write_and_what_it_holds_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "claims"
    mask = os.umask(0)
    try:
        Claims(path).close()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("kept")
    Claims(path).close()
    assert path.read_text() == "kept"
