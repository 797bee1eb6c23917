"""The API functions whose cold starts are measured: what each reads in its first request, and what it is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo.schema import Table
from lambda_src.runtime.settings import ServiceSettings
from lambda_src.services.algoitny import items as algoitny
from lambda_src.services.algoitny.models.users import Counter
from lambda_src.services.algoitny.settings import ApiSettings as AlgoItnySettings
from lambda_src.services.nbhd_city import tables as nbhd_city
from lambda_src.services.nbhd_city.settings import ApiSettings as NbhdCitySettings
from lambda_src.services.stock_track_record import tables as stock_track_record
from lambda_src.services.stock_track_record.models import Channel, ChannelId
from lambda_src.services.stock_track_record.settings import ApiSettings as StockTrackRecordSettings
from lambda_src.services.yoto_smart_stream import tables as yoto_smart_stream
from lambda_src.services.yoto_smart_stream.settings import ApiSettings as YotoSmartStreamSettings

NOWHERE: Final = "http://127.0.0.1:1/queue"
NEIGHBORHOOD: Final = "2836f956-f0fc-4c21-a615-786ab518b430"
CHANNEL: Final = ChannelId("0b2f6f0c-6d0f-4a51-9c0e-2f3c1f0a7d11")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdFunction:
    """One API function. path: of its first request, which finds `item` in `table`. settings: from the engine's address
    and the physical name of each table.
    """

    title: str
    package: str
    tables: Sequence[Table]
    table: Table
    item: Mapping[str, Any]
    path: str
    settings: Callable[[str, Mapping[str, str]], ServiceSettings]
    max_zip_megabytes: float

    @property
    def module(self) -> str:
        return f"lambda_src.services.{self.package}.api"

    @property
    def event(self) -> dict[str, Any]:
        """The first request, as an HTTP API hands it over."""
        return request_event(self.path)


def request_event(target: str) -> dict[str, Any]:
    """A GET as an HTTP API hands it over. target: path with or without a query."""
    path, _, query = target.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "api.test", "accept": "application/json", "accept-encoding": "gzip"},
        "requestContext": {
            "http": {"method": "GET", "path": path, "sourceIp": "203.0.113.7"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


def _stock_track_record_settings(endpoint_url: str, names: Mapping[str, str]) -> ServiceSettings:
    return StockTrackRecordSettings(
        environment="local",
        dynamodb_endpoint=endpoint_url,
        dynamodb_table_name=names["main"],
        dynamodb_stocks_table_name=names["stocks"],
        sqs_queue_url=NOWHERE,
        price_queue_url=NOWHERE,
        api_keys_secret_id="keys",
        cursor_secret_id="cursor",
    )


STOCK_TRACK_RECORD: Final = ColdFunction(
    title="Stock Track Record",
    package="stock_track_record",
    tables=stock_track_record.TABLES,
    table=stock_track_record.MAIN,
    item=stock_track_record.CHANNEL.item(
        Channel(
            id=CHANNEL,
            youtube_channel_id="UCaaaaaaaaaaaaaaaaaaaaaa",
            name="Sample Stocks",
            url="https://www.youtube.com/@SampleStocks",
            status="completed",
            time_range_months=12,
            created_at="2025-01-15T08:30:00.123Z",
            updated_at="2025-01-15T09:30:00.123Z",
            layout=2,
        )
    ),
    path=f"/api/channels/{CHANNEL}",
    settings=_stock_track_record_settings,
    max_zip_megabytes=11.0,
)


def _nbhd_city_settings(endpoint_url: str, names: Mapping[str, str]) -> ServiceSettings:
    return NbhdCitySettings(
        environment="local",
        dynamodb_endpoint=endpoint_url,
        dynamodb_table_name=names["main"],
        nbhd_task_queue_url=NOWHERE,
        app_secret_arn="secret",
        frontend_origins="https://nbhd.example",
        cors_allowed_origins="https://nbhd.example",
        api_base_url="https://api.nbhd.example",
    )


NBHD_CITY: Final = ColdFunction(
    title="nbhd.city",
    package="nbhd_city",
    tables=nbhd_city.TABLES,
    table=nbhd_city.MAIN,
    item={
        **nbhd_city.NEIGHBORHOOD.key(id=NEIGHBORHOOD).values,
        "entity_type": "neighborhood",
        "id": NEIGHBORHOOD,
        "name": "Sample Street",
        "name_lower": "sample street",
        "created_by": "did:plc:alice",
        "created_at": "2025-01-15T08:30:00.123456Z",
        "updated_at": "2025-01-15T08:30:00.123456Z",
        "member_count": 0,
        "members_rev": 0,
        "status": "active",
    },
    path=f"/api/nbhds/{NEIGHBORHOOD}",
    settings=_nbhd_city_settings,
    max_zip_megabytes=14.0,  # with `cryptography`, for elliptic curves
)


def _yoto_smart_stream_settings(endpoint_url: str, names: Mapping[str, str]) -> ServiceSettings:
    return YotoSmartStreamSettings(
        environment="local",
        dynamodb_endpoint=endpoint_url,
        dynamodb_table=names["main"],
        s3_audio_bucket="audio",
        transcription_queue_url=NOWHERE,
        jwt_secret_arn="keys",
        bootstrap_admin_secret_arn="admin",
        cors_origins="https://yoto.example",
        public_url="https://api.yoto.example",
    )


YOTO_SMART_STREAM: Final = ColdFunction(
    title="Yoto Smart Stream",
    package="yoto_smart_stream",
    tables=yoto_smart_stream.TABLES,
    table=yoto_smart_stream.MAIN,
    item=yoto_smart_stream.PROBE.key().values,
    path="/api/ready",
    settings=_yoto_smart_stream_settings,
    max_zip_megabytes=11.0,
)


def _algoitny_settings(endpoint_url: str, names: Mapping[str, str]) -> ServiceSettings:
    return AlgoItnySettings(
        environment="local",
        dynamodb_endpoint=endpoint_url,
        algoitny_table_name=names["main"],
        algoitny_content_bucket="content",
        algoitny_job_queue_url=NOWHERE,
        app_secret_arn="keys",
        google_client_ids="1234.apps.googleusercontent.com",
        cors_allowed_origins="https://algoitny.example",
    )


ALGOITNY: Final = ColdFunction(
    title="AlgoItny",
    package="algoitny",
    tables=algoitny.TABLES,
    table=algoitny.MAIN,
    item=algoitny.COUNTER.item(Counter("user_id", 1)),
    path="/api/health/ready",
    settings=_algoitny_settings,
    max_zip_megabytes=14.0,  # with `cryptography`, for the signatures of Google
)

FUNCTIONS: Final = (STOCK_TRACK_RECORD, ALGOITNY, YOTO_SMART_STREAM, NBHD_CITY)
