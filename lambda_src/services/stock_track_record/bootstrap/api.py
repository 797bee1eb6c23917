"""Joins settings, tables, queues and clients into the services that the API's routes call."""

from collections.abc import Callable
from dataclasses import dataclass

from lambda_src.dynamo.cursor import CursorCodec, KeyRing
from lambda_src.runtime.keyring import GeneratedKeys
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.usage import UsageSource
from lambda_src.services.stock_track_record.bootstrap.common import (
    Outside,
    build_market,
    build_queues,
    build_repository,
    build_usage,
    default_outside,
    key_check,
)
from lambda_src.services.stock_track_record.service.channels import ChannelService
from lambda_src.services.stock_track_record.service.prices import PriceService
from lambda_src.services.stock_track_record.service.reference import ReferenceReader
from lambda_src.services.stock_track_record.service.results import ResultService
from lambda_src.services.stock_track_record.settings import ApiSettings


@dataclass(frozen=True, slots=True)
class Api:
    """What the API's routes call. disconnect: closes connections to the tables; the next call makes new ones."""

    settings: ApiSettings
    channels: ChannelService
    results: ResultService
    prices: PriceService
    usage: UsageSource
    disconnect: Callable[[], None]


def build_api(settings: ApiSettings, outside: Outside | None = None, *, cursor_keys: KeyRing | None = None) -> Api:
    """The services behind the API's routes."""
    outside = outside or default_outside(settings, repeats=0)
    repository = build_repository(settings, outside)
    queues = build_queues(settings, outside)
    cursors = CursorCodec(cursor_keys or GeneratedKeys(Secret(settings.cursor_secret_id)))
    reference = ReferenceReader(repository, queues)
    return Api(
        settings=settings,
        channels=ChannelService(
            repository=repository,
            queues=queues,
            cursors=cursors,
            clock=outside.clock,
            max_channels=settings.max_channels,
        ),
        results=ResultService(repository=repository, reference=reference, cursors=cursors, clock=outside.clock),
        prices=PriceService(
            repository=repository,
            queues=queues,
            market=build_market(settings, outside, repository),
            reference=reference,
            has_key=key_check(outside.keys),
            clock=outside.clock,
        ),
        usage=build_usage(outside),
        disconnect=outside.client.close,
    )
