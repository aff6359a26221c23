"""The server process that tests and measurements run against: it answers at once or says why not."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.endpoint.process import serve_offline


def test_the_server_answers_at_once_and_is_gone_with_its_block() -> None:
    with serve_offline() as (base_url, stats):
        assert stats()["requests"] == 0
    address = urlsplit(base_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="no fault '430'"), serve_offline("--fault", "430=1"):
        pass
