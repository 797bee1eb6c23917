"""Which authorization server the settings ask for, who we are to it, and the sections of the secret that it takes.

oauth       client_secret, for profile `basic`; client_jwk, a private key on P-256 with a kid, for `atproto`
test_login  users: [{username, password, did, handle, display_name}, ...]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambda_src.errors import NotReady
from lambda_src.runtime.app_secret import AppSecret
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.outside import Http
from lambda_src.services.nbhd_city.clients import AUTHORIZATION_SERVER, Upstream
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.services.nbhd_city.sign_in.atproto import AtprotoServer, OAuthClient
from lambda_src.services.nbhd_city.sign_in.authorization import AuthorizationServer, BasicServer
from lambda_src.services.nbhd_city.sign_in.dids import DidDirectory, Endpoints, Resolve, addresses_of


@dataclass(frozen=True, slots=True)
class SignInSecret:
    secret: AppSecret

    def client_secret(self) -> str:
        """The secret of the OAuth client, for profile `basic`; empty where there is none."""
        value = self.secret.section("oauth").get("client_secret", "")
        if not isinstance(value, str):
            raise NotReady
        return value

    def client_jwk(self) -> dict[str, Any] | None:
        """The private key of the OAuth client as JWK, for profile `atproto`; None where there is none."""
        value = self.secret.section("oauth").get("client_jwk")
        return dict(value) if isinstance(value, dict) and value else None

    def test_users(self) -> list[Mapping[str, str]]:
        """Who may sign in with a password, outside production."""
        users = self.secret.section("test_login").get("users", [])
        if not isinstance(users, list) or not all(isinstance(user, dict) for user in users):
            raise NotReady
        return users


def oauth_client(settings: ApiSettings, secret: SignInSecret) -> OAuthClient | None:
    """Who we are, for profile `atproto`; None in profile `basic`, where nobody asks."""
    return None if settings.oauth_profile == "basic" else OAuthClient(settings, secret.client_jwk)


def server_of(
    settings: ApiSettings, secret: SignInSecret, *, http: Http, clock: Clock, resolve: Resolve | None
) -> AuthorizationServer:
    """The server of the profile. resolve: finds the addresses of a host, where not the system does."""
    upstream = Upstream(http, AUTHORIZATION_SERVER)
    client = oauth_client(settings, secret)
    if client is None:
        return BasicServer(upstream, settings, secret.client_secret)
    allow_insecure = settings.allow_insecure_upstreams and not settings.is_production
    endpoints = Endpoints(allow_insecure=allow_insecure, resolve=resolve or addresses_of)
    directory = DidDirectory(http, endpoints, plc_directory_url=settings.plc_directory_url)
    return AtprotoServer(upstream=upstream, directory=directory, client=client, clock=clock)
