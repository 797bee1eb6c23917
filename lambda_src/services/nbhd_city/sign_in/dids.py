"""From a DID to the authorization server that speaks for it, and the check of addresses that documents name.

    DID ── document ──▶ its PDS ── oauth-protected-resource ──▶ issuer

https://atproto.com/specs/did, https://atproto.com/specs/oauth#identity-authentication

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

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer, Http
from lambda_src.runtime.providers.decoded import Json, at, decode_or_none, list_at, text_at
from lambda_src.services.nbhd_city.clients import CONNECT_TIMEOUT_SECONDS, DID_DIRECTORY, PDS, Upstream, is_out_of_order
from lambda_src.services.nbhd_city.errors import IdentityMismatch, UpstreamTimeout, UpstreamUnavailable
from lambda_src.services.nbhd_city.models import Did

MAX_HOST_CHARACTERS: Final = 253
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: what does not may be one of the many ways to write an IP address.
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # https://www.rfc-editor.org/rfc/rfc6052, global by itself

type Resolve = Callable[[str], list[str]]
"""All addresses of a host name. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that may be called: its origin, and the address to connect to, None for whatever the name means."""

    origin: str
    address: str | None


def addresses_of(host: str) -> list[str]:
    """All addresses of a host name, as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Endpoints:
    """Turns origins that a document names into endpoints that may be called.

    allow_insecure: plain HTTP, any port and any address, for stand-ins outside production.
    """

    def __init__(self, *, allow_insecure: bool, resolve: Resolve = addresses_of) -> None:
        self._allow_insecure = allow_insecure
        self._resolve = resolve

    def endpoint(self, origin: str, *, timeout_seconds: float) -> Endpoint:
        """The endpoint of an origin such as `https://pds.example`.

        Raises IdentityMismatch for an origin that nobody may name, UpstreamUnavailable when its name has no address,
        UpstreamTimeout.
        """
        if self._allow_insecure:
            return Endpoint(_insecure_origin(origin), None)
        host = _public_host(origin)
        addresses = self._look_up(host, timeout_seconds)
        if not all(map(is_public, addresses)):
            raise IdentityMismatch("A document names a host that is not public")
        # Functions outside a VPC have no IPv6.
        return Endpoint(f"https://{host}", min(addresses, key=lambda address: ":" in address))

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


# What Python 3.13 takes for public, and nobody can reach: site-local and documentation.
# https://www.iana.org/assignments/iana-ipv6-special-registry
_NOT_REACHED: Final = tuple(map(ipaddress.ip_network, ("fec0::/10", "3fff::/20")))


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
    is_special = address.is_multicast or address.is_reserved or any(address in network for network in _NOT_REACHED)
    return address.is_global and not is_special


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


PDS_SERVICE: Final = "#atproto_pds"
_PLC: Final = "did:plc:"
_WEB: Final = "did:web:"


@dataclass(frozen=True, slots=True)
class DidDirectory:
    """Reads documents of DIDs. plc_directory_url: where those of `did:plc` are. Everything it raises is a SignInFailed
    or UpstreamTimeout.
    """

    http: Http
    endpoints: Endpoints
    plc_directory_url: str

    def issuer_of(self, did: Did, *, deadline: Deadline) -> str:
        """The authorization server that the DID's own server names. 2 requests.

        Raises IdentityMismatch when a document is missing or does not say, UpstreamUnavailable, UpstreamTimeout.
        """
        pds = _pds_in(self._document(did, deadline), did)
        resource = self._get(PDS, "read PDS", pds, "/.well-known/oauth-protected-resource", deadline)
        servers = list_at(resource, "authorization_servers")
        if not servers or not isinstance(servers[0], str):
            raise IdentityMismatch("The server of this account names no authorization server")
        return servers[0]

    def _document(self, did: Did, deadline: Deadline) -> Json:
        if did.startswith(_PLC):
            url = f"{self.plc_directory_url.rstrip('/')}/{did}"
            return _read(Upstream(self.http, DID_DIRECTORY).get("read DID", url, deadline=deadline))
        if did.startswith(_WEB):
            return self._get(DID_DIRECTORY, "read DID", _web_origin(did), "/.well-known/did.json", deadline)
        raise IdentityMismatch("The account's DID is of a kind that is not used")

    def _get(self, name: str, operation: str, origin: str, path: str, deadline: Deadline) -> Json:
        """A document of a host that somebody else names."""
        seconds = min(CONNECT_TIMEOUT_SECONDS, deadline.remaining_seconds())
        endpoint = self.endpoints.endpoint(origin, timeout_seconds=seconds)
        upstream, url = Upstream(self.http, name), f"{endpoint.origin}{path}"
        return _read(upstream.get(operation, url, deadline=deadline, address=endpoint.address))


def _web_origin(did: Did) -> str:
    """`did:web:example.com`; a port, written `%3A3000`, is refused later where it is not allowed."""
    host = did.removeprefix(_WEB)
    if ":" in host:
        raise IdentityMismatch("The account's DID has a path")
    host = host.replace("%3A", ":").replace("%3a", ":")
    scheme = "http" if host.startswith("localhost:") else "https"  # the only hosts that the standard lets have a port
    return f"{scheme}://{host}"


def _pds_in(document: Json, did: Did) -> str:
    services = at(document, "service")
    if at(document, "id") != did or not isinstance(services, list):
        raise IdentityMismatch("The document of the account's DID is of another or names no server")
    for service in services:
        endpoint = text_at(service, "serviceEndpoint")
        if endpoint is not None and str(at(service, "id")).endswith(PDS_SERVICE):
            return endpoint
    raise IdentityMismatch("The account's DID names no server")


def _read(answer: Answer) -> Json:
    if is_out_of_order(answer):
        raise UpstreamUnavailable(f"A server answered with status {answer.status}")
    if answer.status != 200:
        raise IdentityMismatch(f"A document cannot be had: status {answer.status}")
    return decode_or_none(answer.content)
