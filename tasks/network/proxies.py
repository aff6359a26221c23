"""The ways out that the environment names: which proxy leads to an address, and whose certificates are trusted.

The same for all that goes out of this process, whatever library carries it.
"""

import contextlib
import os
import ssl
import urllib.request
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from schemas.errors import UserError
from tasks.network.addresses import read_literal, unwrap

CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file of certificate authorities, the first that is set counts; SSL_CERT_DIR names a folder."""


def find_proxy(address: str) -> str | None:
    """The proxy for an http or https address, from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in either case.

    None for what lies on this machine: no proxy leads back to it.
    """
    url = urlsplit(address)
    host = url.hostname or ""
    literal = read_literal(host)
    if literal is not None and unwrap(literal).is_loopback:
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    port = url.port or (443 if url.scheme == "https" else 80)
    if not proxy or any(_covers(entry.strip().lower(), host, port) for entry in proxies.get("no", "").split(",")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY, in lower case, is for a host.

    It may be `*`, a name (for the names below it too, also as `.name` and `*.name`), an address, a network
    (`10.0.0.0/8`), and end in a port.
    """
    if entry in ("", "*"):
        return entry == "*"
    name, colon, its_port = entry.rpartition(":")
    if colon and its_port.isdigit() and (":" not in name or name.endswith("]")):
        if int(its_port) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").lstrip(".")
    with contextlib.suppress(ValueError):
        return ip_address(host) in ip_network(entry, strict=False)
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))


def require_usable_proxy(address: str) -> None:
    """See that the proxy for an address is of a kind that can be used. Raises UserError."""
    proxy = find_proxy(address)
    if proxy is not None and (scheme := urlsplit(proxy).scheme.lower()) not in ("http", "https"):
        raise UserError(
            f"the proxy that the environment names for {urlsplit(address).hostname} is one of {scheme}, and only http "
            "and https proxies are used: name such a one in HTTPS_PROXY, or the host in NO_PROXY"
        )


def adopt_certificates() -> None:
    """Have SSL_CERT_FILE name the authorities that the user has named under another name, for all libraries read it.

    Raises:
        UserError: what is named is not there or holds no certificates.
    """
    name = next((name for name in CERTIFICATES if os.environ.get(name)), None)
    folder = os.environ.get("SSL_CERT_DIR")
    if name is None or (name != CERTIFICATES[0] and folder):
        if folder and not os.path.isdir(folder):
            raise UserError(f"SSL_CERT_DIR: there is no folder {folder}")
        return
    path = os.environ[name]
    if os.path.isdir(path) and name != CERTIFICATES[0]:  # where those variables are read, they may name a folder
        os.environ["SSL_CERT_DIR"] = path
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise UserError(f"{name}: no certificates can be read from {path} ({error.strerror or error})") from error
    os.environ["SSL_CERT_FILE"] = path
