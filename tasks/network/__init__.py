"""Other hosts: which addresses may be connected to, and a download that ends.

One guard for all that a document, a catalogue or a redirect may lead to: what sources are fetched from, and the APIs
that a live executor will call. It looks at the address that is connected to and not at the name alone, since a name may
lead anywhere, and elsewhere the next time. Imports nothing of ours but schemas.
"""

from tasks.network.addresses import is_public
from tasks.network.download import DownloadError, download
from tasks.network.guard import ANYWHERE, AddressRefusedError, Guard, GuardedTransport
from tasks.network.proxies import adopt_certificates, find_proxy, require_usable_proxy

__all__ = [
    "ANYWHERE",
    "AddressRefusedError",
    "DownloadError",
    "Guard",
    "GuardedTransport",
    "adopt_certificates",
    "download",
    "find_proxy",
    "is_public",
    "require_usable_proxy",
]
