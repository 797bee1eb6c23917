"""Addresses that a document of somebody else names, checked before we call them.

An identity document may name any host as its server. Without a check it could name one that only we can reach: a
metadata service, a machine beside us (https://owasp.org/www-community/attacks/Server_Side_Request_Forgery). So such a
host is reached by https on port 443 only, is no IP address, and every address its name has must be public. The call
then goes to an address that was checked (`Call.address`): a name that means something else a moment later (DNS
rebinding) is not asked again.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lambda_src.services.nbhd_city.errors import IdentityMismatch, UpstreamTimeout, UpstreamUnavailable

MAX_HOST_CHARACTERS: Final = 253
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: what does not may be one of the many ways to write an IP address.
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # https://www.rfc-editor.org/rfc/rfc6052, global by itself

type Resolve = Callable[[str], list[str]]
"""All addresses of a host name. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server that may be called: its origin, and the address to connect to, None for whatever the name means."""

    origin: str
    address: str | None


def addresses_of(host: str) -> list[str]:
    """All addresses of a host name, as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Places:
    """Turns origins that a document names into places that may be called.

    allow_insecure: plain HTTP, any port and any address, for stand-ins outside production.
    """

    def __init__(self, *, allow_insecure: bool, resolve: Resolve = addresses_of) -> None:
        self._allow_insecure = allow_insecure
        self._resolve = resolve

    def place(self, origin: str, *, timeout_seconds: float) -> Place:
        """The place of an origin such as `https://pds.example`.

        Raises IdentityMismatch for an origin that nobody may name, UpstreamUnavailable when its name has no address,
        UpstreamTimeout.
        """
        if self._allow_insecure:
            return Place(_insecure_origin(origin), None)
        host = _public_host(origin)
        addresses = self._look_up(host, timeout_seconds)
        if not all(map(is_public, addresses)):
            raise IdentityMismatch("A document names a host that is not public")
        # Functions outside a VPC have no IPv6.
        return Place(f"https://{host}", min(addresses, key=lambda address: ":" in address))

    def _look_up(self, host: str, timeout_seconds: float) -> list[str]:
        """In a thread, since the resolver's own patience is longer than ours and cannot be set."""
        found: list[str] = []
        lookup = threading.Thread(target=self._store, args=(host, found), daemon=True)
        lookup.start()
        lookup.join(timeout_seconds)
        if lookup.is_alive():
            raise UpstreamTimeout
        if not found:
            raise UpstreamUnavailable("A host that a document names has no address")
        return list(found)

    def _store(self, host: str, found: list[str]) -> None:
        try:
            found.extend(self._resolve(host))
        except (OSError, UnicodeError):
            found.clear()  # as if it had no address


def is_public(text: str) -> bool:
    """Whether an IP address is one that the whole internet can reach, also where it wraps an IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to this one end at, if there is one."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _public_host(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError as exc:
        raise IdentityMismatch("A document names an address that cannot be read") from exc
    host = (parts.hostname or "").lower()
    is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme != "https" or port not in {None, 443} or not is_bare:
        raise IdentityMismatch("A document names an address that is no https origin on port 443")
    if len(host) > MAX_HOST_CHARACTERS or not _HOST.fullmatch(host):
        raise IdentityMismatch("A document names a host without a public name")
    return host


def _insecure_origin(origin: str) -> str:
    try:
        parts = urlsplit(origin)
    except ValueError as exc:
        raise IdentityMismatch("A document names an address that cannot be read") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise IdentityMismatch("A document names an address that is no HTTP origin")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"  # stand-ins share one port, so they have a path
