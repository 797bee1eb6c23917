"""Joins settings, secret, repositories and clients into what signing in takes."""

from collections.abc import Callable
from dataclasses import dataclass

from lambda_src.runtime.clock import Clock
from lambda_src.runtime.outside import Http
from lambda_src.services.nbhd_city.clients.addresses import Places, Resolve, addresses_of
from lambda_src.services.nbhd_city.clients.authorization import AuthorizationServer
from lambda_src.services.nbhd_city.clients.bluesky import BlueSkyClient
from lambda_src.services.nbhd_city.clients.dids import DidDirectory
from lambda_src.services.nbhd_city.clients.oauth_atproto import AtprotoServer, OAuthClient
from lambda_src.services.nbhd_city.clients.oauth_basic import BasicServer
from lambda_src.services.nbhd_city.clients.upstream import AUTHORIZATION_SERVER, PUBLIC_API, Upstream
from lambda_src.services.nbhd_city.repository import Repository
from lambda_src.services.nbhd_city.service.keys import AppKeys, AppSecret
from lambda_src.services.nbhd_city.service.live_profiles import LiveProfiles
from lambda_src.services.nbhd_city.service.parts import Count
from lambda_src.services.nbhd_city.service.password_login import TestLogin
from lambda_src.services.nbhd_city.service.sign_in import SignIn
from lambda_src.services.nbhd_city.service.tokens import AccessTokens
from lambda_src.services.nbhd_city.settings import ApiSettings


@dataclass(frozen=True, slots=True)
class SignInParts:
    """What the routes of sign-in call. client: None in profile `basic`, test_login: None where it is not allowed."""

    sign_in: SignIn
    live_profiles: LiveProfiles
    client: OAuthClient | None
    test_login: TestLogin | None


def build_tokens(settings: ApiSettings, secret: AppSecret, clock: Clock) -> AccessTokens:
    return AccessTokens(
        AppKeys(secret),
        clock=clock,
        lifetime_minutes=settings.access_token_expire_minutes,
        accepts_test=not settings.is_production,
    )


def build_live_profiles(settings: ApiSettings, http: Http) -> LiveProfiles:
    return LiveProfiles(BlueSkyClient(Upstream(http, PUBLIC_API), base_url=settings.bluesky_public_api_url))


def build_sign_in(  # noqa: PLR0913 -- keyword-only, and all of them are parts
    settings: ApiSettings,
    *,
    http: Http,
    secret: AppSecret,
    repository: Repository,
    live_profiles: LiveProfiles,
    tokens: AccessTokens,
    clock: Clock,
    count: Count,
    resolve: Resolve = addresses_of,
) -> SignInParts:
    """All that signing in takes. resolve: finds the addresses of a host."""
    client = _client(settings, secret)
    server = _atproto(settings, http, client, clock, resolve) if client else _basic(settings, http, secret)
    return SignInParts(
        sign_in=SignIn(
            server=server,
            sign_ins=repository.sign_ins,
            profiles=repository.profiles,
            live_profiles=live_profiles,
            tokens=tokens,
            clock=clock,
            return_origins=settings.allowed_origins,
            hands_over_token=settings.callback_mode == "token",
            count=count,
        ),
        live_profiles=live_profiles,
        client=client,
        test_login=TestLogin(secret.test_users) if settings.has_test_login else None,
    )


def _client(settings: ApiSettings, secret: AppSecret) -> OAuthClient | None:
    if settings.oauth_profile == "basic":
        return None
    return OAuthClient(
        client_id=settings.client_id,
        redirect_uri=settings.redirect_uri,
        api_base_url=settings.api_base_url,
        is_confidential=settings.oauth_client_auth == "private_key_jwt",
        signing_key=secret.client_jwk,
    )


def _basic(settings: ApiSettings, http: Http, secret: AppSecret) -> AuthorizationServer:
    return BasicServer(
        upstream=Upstream(http, AUTHORIZATION_SERVER),
        authorization_endpoint=settings.bluesky_oauth_authorization_endpoint,
        token_endpoint=settings.bluesky_oauth_token_endpoint,
        client_id=settings.client_id,
        redirect_uri=settings.redirect_uri,
        client_secret=secret.client_secret,
    )


def _atproto(
    settings: ApiSettings, http: Http, client: OAuthClient, clock: Clock, resolve: Callable[[str], list[str]]
) -> AuthorizationServer:
    places = Places(allow_insecure=settings.allow_insecure_upstreams and not settings.is_production, resolve=resolve)
    return AtprotoServer(
        upstream=Upstream(http, AUTHORIZATION_SERVER),
        directory=DidDirectory(http, places, plc_directory_url=settings.plc_directory_url),
        client=client,
        issuer=settings.bluesky_oauth_issuer,
        clock=clock,
    )
