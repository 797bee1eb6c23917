"""What both functions are joined from: tables, queues, keys, price providers."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.usage import UsageSource
from lambda_src.services.stock_track_record.clients.alpha_vantage import AlphaVantageClient
from lambda_src.services.stock_track_record.clients.finnhub import FinnhubClient
from lambda_src.services.stock_track_record.clients.queues import WorkQueues
from lambda_src.services.stock_track_record.clients.transport import Http
from lambda_src.services.stock_track_record.clients.yahoo import YahooClient
from lambda_src.services.stock_track_record.repository import Repository
from lambda_src.services.stock_track_record.repository.base import Context, LogLines
from lambda_src.services.stock_track_record.service.market import Market
from lambda_src.services.stock_track_record.settings import Settings
from lambda_src.services.stock_track_record.tables import MAIN, STOCKS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Outside:
    """What a service reaches for; tests hand in their own."""

    client: "DynamoDBClient"
    queue: QueueClient
    keys: Secret
    http: Http
    clock: Clock = utc_now
    pick: Callable[[int], int] = random.randrange  # log key suffixes need to differ, not to be secret
    sleep: Callable[[float], None] = time.sleep


def default_outside(settings: Settings, *, repeats: int) -> Outside:
    """The real ones. Only the DynamoDB client is made now, every other at its first use.

    repeats: how often a short call to an outside service is repeated; 0 where somebody waits for the answer.
    """
    client = make_client(region=settings.dynamodb_region, endpoint_url=settings.dynamodb_endpoint)
    return Outside(
        client=client, queue=QueueClient(), keys=Secret(settings.api_keys_secret_id), http=Http(repeats=repeats)
    )


def build_repository(settings: Settings, outside: Outside) -> Repository:
    names = {MAIN.name: settings.dynamodb_table_name, STOCKS.name: settings.dynamodb_stocks_table_name}
    log_lines = LogLines(clock=outside.clock, pick=outside.pick, retention_days=settings.log_retention_days)
    return Repository.over(Context(store=Store(outside.client, names), clock=outside.clock, log_lines=log_lines))


def build_queues(settings: Settings, outside: Outside) -> WorkQueues:
    return WorkQueues(outside.queue, processing_url=settings.sqs_queue_url, price_url=settings.price_queue_url)


def build_market(settings: Settings, outside: Outside, repository: Repository) -> Market:
    http = outside.http
    return Market(
        slots=repository.slots,
        finnhub=FinnhubClient(http, base_url=settings.finnhub_api_base_url, keys=outside.keys, clock=outside.clock),
        yahoo=YahooClient(http, base_url=settings.yahoo_api_base_url),
        alpha_vantage=AlphaVantageClient(http, base_url=settings.alpha_vantage_api_base_url, keys=outside.keys),
        clock=outside.clock,
        sleep=outside.sleep,
    )


def key_check(keys: Secret) -> Callable[[str], bool]:
    return lambda name: bool(keys.get(name, default=""))


def build_usage(outside: Outside) -> UsageSource:
    meter = UsageMeter()
    meter.attach(outside.client)
    return meter
