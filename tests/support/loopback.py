"""HTTP to servers on this machine: no certificates to load, which takes 40 ms a client, and no proxy."""

import ssl
from typing import Any, Final

import httpx

from lambda_src.runtime.outside import Http

TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(url: str = "", **options: Any) -> httpx.Client:
    """For a test. url: what paths are below."""
    return httpx.Client(base_url=url, verify=TRUSTS_NOBODY, trust_env=False, **options)


def transport() -> httpx.HTTPTransport:
    return httpx.HTTPTransport(verify=TRUSTS_NOBODY)


def outside(**options: Any) -> Http:
    """For a service, whose outside services are stand-ins."""
    return Http(transport=transport(), **options)
