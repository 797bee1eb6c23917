"""Joins settings, table, secret and clients into the services that the API's routes call."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.runtime.outside import Http
from lambda_src.runtime.secrets import GivenSecret, Secret
from lambda_src.runtime.usage import UsageSource
from lambda_src.services.nbhd_city.bootstrap.common import Surroundings
from lambda_src.services.nbhd_city.bootstrap.sign_in import (
    SignInParts,
    build_live_profiles,
    build_sign_in,
    build_tokens,
)
from lambda_src.services.nbhd_city.clients.addresses import Resolve, addresses_of
from lambda_src.services.nbhd_city.rules.shards import list_partitions
from lambda_src.services.nbhd_city.service.keys import AppKeys, AppSecret, CursorKeys, Sections
from lambda_src.services.nbhd_city.service.listing import Listing
from lambda_src.services.nbhd_city.service.memberships import MembershipService
from lambda_src.services.nbhd_city.service.neighborhoods import NeighborhoodService
from lambda_src.services.nbhd_city.service.profiles import ProfileService
from lambda_src.services.nbhd_city.service.readiness import Readiness
from lambda_src.services.nbhd_city.service.tokens import AccessTokens
from lambda_src.services.nbhd_city.settings import ApiSettings


@dataclass(frozen=True, slots=True)
class Api:
    """What the API's routes call. disconnect: closes every connection; the next call makes new ones."""

    settings: ApiSettings
    neighborhoods: NeighborhoodService
    memberships: MembershipService
    profiles: ProfileService
    sign_in: SignInParts
    tokens: AccessTokens
    readiness: Readiness
    usage: UsageSource
    disconnect: Callable[[], None]


def build_api(
    settings: ApiSettings,
    surroundings: Surroundings,
    *,
    secret: Sections | None = None,
    http: Http | None = None,
    resolve: Resolve = addresses_of,
) -> Api:
    """The services behind the API's routes. secret, http, resolve: others than the real ones."""
    http = http or surroundings.http()
    app_secret = AppSecret(secret or _secret(settings))
    keys = AppKeys(app_secret)
    clock, count = surroundings.clock, surroundings.count
    repository, tasks = surroundings.repository(settings), surroundings.tasks(settings)
    cursors = CursorCodec(CursorKeys(keys), seconds=lambda: clock().timestamp())
    tokens = build_tokens(settings, app_secret, clock)
    live_profiles = build_live_profiles(settings, http)
    partitions = list_partitions(settings.nbhd_list_shards, with_unsharded=settings.nbhd_list_unsharded)
    memberships = MembershipService(repository=repository, tasks=tasks, cursors=cursors, count=count)
    return Api(
        settings=settings,
        neighborhoods=NeighborhoodService(
            repository=repository,
            memberships=memberships,
            listing=Listing(repository.neighborhoods, cursors, partitions),
            tasks=tasks,
            clock=clock,
            count=count,
            shards=settings.nbhd_list_shards,
        ),
        memberships=memberships,
        profiles=ProfileService(repository.profiles, live_profiles.profile),
        sign_in=build_sign_in(
            settings,
            http=http,
            secret=app_secret,
            repository=repository,
            live_profiles=live_profiles,
            tokens=tokens,
            clock=clock,
            count=count,
            resolve=resolve,
        ),
        tokens=tokens,
        readiness=Readiness(repository.profiles, keys.current),
        usage=surroundings.usage(),
        disconnect=partial(_close, surroundings.client.close, http.close),
    )


def _secret(settings: ApiSettings) -> Secret:
    if settings.app_secret_json is not None:
        return GivenSecret("APP_SECRET_JSON", settings.app_secret_json.get_secret_value())
    return Secret(settings.app_secret_arn)


def _close(*connections: Callable[[], None]) -> None:
    for close in connections:
        close()
