"""Which addresses are public, however they are written."""

from ipaddress import ip_address

import pytest

from tasks.network.addresses import is_public, look_up, read_literal


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.0", "2606:4700::1111",
     "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_what_everybody_can_reach_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1",  # one's own
        "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",  # of clouds
        "100.64.0.1", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",  # of providers, of books
        "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",  # multicast, reserved, everybody
        "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1",
        "fe80::1", "fe80::1%lo", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808",  # NAT64
        "2002:7f00:1::", "2002:808:808::", "2001:0:808:808::1", "4000::1",
    ],
)  # fmt: skip
def test_what_is_one_s_own_or_nobody_s_is_not(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"),
     ("0177.0.0.1", "127.0.0.1"), ("127.0.0.1.", "127.0.0.1"), ("[::1]", "::1"), ("::1", "::1"),
     ("localhost", "127.0.0.1"), ("LOCALHOST.", "127.0.0.1"), ("any.localhost", "127.0.0.1"), ("8.8.8.8", "8.8.8.8"),
     ("example.org", None), ("notlocalhost", None), ("1und1.de", None), ("", None)],
)  # fmt: skip
def test_a_host_that_is_an_address_is_read_in_every_spelling(host: str, address: str | None) -> None:
    assert read_literal(host) == (None if address is None else ip_address(address))


async def test_names_are_looked_up_and_one_without_an_address_says_so() -> None:
    assert ip_address("127.0.0.1") in await look_up("localhost", 80)
    assert await look_up("127.1", 80) == (ip_address("127.0.0.1"),)
    for name in ("no-such-host.invalid", "a" * 64 + ".example", "a b", ""):
        with pytest.raises(OSError):  # noqa: PT011 - each system words it in its way
            await look_up(name, 80)
