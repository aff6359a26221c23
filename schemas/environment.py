"""What a process that we start is given of our environment: what it needs, and so no key of anybody's.

A list of what may pass and not of what may not, for nobody knows all the names under which secrets are kept. A name
that ends in `*` stands for all that begin so.
"""

import os
from collections.abc import Mapping

COMMON = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TMP", "TEMP", "XDG_*"),
    *("LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR"),
    *("PYTHON*", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_*", "SYSTEMROOT"),
    *("OMP_*", "MKL_*", "OPENBLAS_*", "MALLOC_*", "GLIBC_TUNABLES"),
)
"""What any program may need: where things are, how text is written, how Python runs, how many threads there are."""

NETWORK = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
"""What a program needs as well that asks other machines."""

PREFECT = ("PREFECT_*", "DO_NOT_TRACK")
"""Prefect's settings, those among them that are secrets too."""


def pick_environment(*more: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of this process (or those `given`) that a child gets: `COMMON` and `more`, by name."""
    names = (*COMMON, *more)
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name.removesuffix("*") for name in names if name.endswith("*"))
    variables = os.environ if given is None else given
    return {name: value for name, value in variables.items() if name in exact or name.startswith(beginnings)}
