"""From a DID to the authorization server that speaks for it.

    DID ── document ──▶ its PDS ── oauth-protected-resource ──▶ issuer

https://atproto.com/specs/did, https://atproto.com/specs/oauth#identity-authentication
"""

from collections.abc import Mapping
from typing import Any, Final

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer, Http
from lambda_src.services.nbhd_city.clients.addresses import Places
from lambda_src.services.nbhd_city.clients.upstream import (
    CONNECT_TIMEOUT_SECONDS,
    DID_DIRECTORY,
    PDS,
    Upstream,
    json_object,
    text_in,
)
from lambda_src.services.nbhd_city.errors import IdentityMismatch, UpstreamUnavailable
from lambda_src.services.nbhd_city.models import Did

PDS_SERVICE: Final = "#atproto_pds"
_PLC: Final = "did:plc:"
_WEB: Final = "did:web:"


class DidDirectory:
    """Reads documents of DIDs. plc_directory_url: where those of `did:plc` are. Everything it raises is a SignInFailed
    or UpstreamTimeout.
    """

    def __init__(self, http: Http, places: Places, *, plc_directory_url: str) -> None:
        self._directory = Upstream(http, DID_DIRECTORY)
        self._pds = Upstream(http, PDS)
        self._places = places
        self._plc_directory_url = plc_directory_url.rstrip("/")

    def issuer_of(self, did: Did, *, deadline: Deadline) -> str:
        """The authorization server that the DID's own server names. 2 requests.

        Raises IdentityMismatch when a document is missing or does not say, UpstreamUnavailable, UpstreamTimeout.
        """
        pds = _pds_in(self._document(did, deadline), did)
        resource = self._get(self._pds, "read PDS", pds, "/.well-known/oauth-protected-resource", deadline)
        servers = resource.get("authorization_servers")
        if not isinstance(servers, list) or not servers or not isinstance(servers[0], str):
            raise IdentityMismatch("The server of this account names no authorization server")
        return servers[0]

    def _document(self, did: Did, deadline: Deadline) -> Mapping[str, Any]:
        if did.startswith(_PLC):
            url = f"{self._plc_directory_url}/{did}"
            return _read(self._directory.get("read DID", url, deadline=deadline))
        if did.startswith(_WEB):
            return self._get(self._directory, "read DID", _web_origin(did), "/.well-known/did.json", deadline)
        raise IdentityMismatch("The account's DID is of a kind that is not used")

    def _get(self, upstream: Upstream, operation: str, origin: str, path: str, deadline: Deadline) -> Mapping[str, Any]:
        """A document of a host that somebody else names."""
        seconds = min(CONNECT_TIMEOUT_SECONDS, deadline.remaining_seconds())
        place = self._places.place(origin, timeout_seconds=seconds)
        url = f"{place.origin}{path}"
        return _read(upstream.get(operation, url, deadline=deadline, address=place.address))


def _web_origin(did: Did) -> str:
    """`did:web:example.com`; a port, written `%3A3000`, is refused later where it is not allowed."""
    host = did.removeprefix(_WEB)
    if ":" in host:
        raise IdentityMismatch("The account's DID has a path")
    host = host.replace("%3A", ":").replace("%3a", ":")
    scheme = "http" if host.startswith("localhost:") else "https"  # the only hosts that the standard lets have a port
    return f"{scheme}://{host}"


def _pds_in(document: Mapping[str, Any], did: Did) -> str:
    services = document.get("service")
    if document.get("id") != did or not isinstance(services, list):
        raise IdentityMismatch("The document of the account's DID is of another or names no server")
    for service in services:
        if isinstance(service, dict) and str(service.get("id", "")).endswith(PDS_SERVICE):
            endpoint = text_in(service, "serviceEndpoint")
            if endpoint is not None:
                return endpoint
    raise IdentityMismatch("The account's DID names no server")


def _read(answer: Answer) -> Mapping[str, Any]:
    if answer.status >= 500 or answer.status == 429:
        raise UpstreamUnavailable(f"A server answered with status {answer.status}")
    if answer.status != 200:
        raise IdentityMismatch(f"A document cannot be had: status {answer.status}")
    return json_object(answer)
