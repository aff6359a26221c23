"""The server process that tests and measurements run against: it answers at once, and it is gone with its block."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.benchmarks.server import serve_offline


def test_the_server_answers_at_once_and_is_gone_whatever_happens_in_the_block() -> None:
    base_url = ""
    with pytest.raises(KeyError), serve_offline() as (base_url, stats):
        assert stats()["requests"] == 0
        raise KeyError
    address = urlsplit(base_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="no fault '430'"), serve_offline("--fault", "430=1"):
        pass
