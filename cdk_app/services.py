"""The services of the house. A further one is a folder under `lambda_src/services`, its stacks, and one line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Stack

from cdk_app.stacks import nbhd_city, stock_track_record
from lambda_src.dynamo.schema import Table
from lambda_src.services.nbhd_city import tables as nbhd_city_tables
from lambda_src.services.stock_track_record import tables as stock_track_record_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: what it is called, where it listens on this machine, and what it is made of.

    name: prefix of its stacks, `<name>Data` and `<name>App`. package: under `lambda_src.services`. data_stack is made
    from an environment, app_stack from an environment and that data stack.
    """

    name: str
    package: str
    title: str
    local_port: int
    tables: Sequence[Table]
    data_stack: Callable[..., Stack]
    app_stack: Callable[..., Stack]


STOCK_TRACK_RECORD: Final = Service(
    name="StockTrackRecord",
    package=stock_track_record.PACKAGE,
    title=stock_track_record.TITLE,
    local_port=8001,
    tables=stock_track_record_tables.TABLES,
    data_stack=stock_track_record.StockTrackRecordData,
    app_stack=stock_track_record.StockTrackRecordApp,
)

NBHD_CITY: Final = Service(
    name=nbhd_city.SERVICE,
    package=nbhd_city.PACKAGE,
    title=nbhd_city.TITLE,
    local_port=8004,
    tables=nbhd_city_tables.TABLES,
    data_stack=nbhd_city.NbhdCityData,
    app_stack=nbhd_city.NbhdCityApp,
)

SERVICES: Final = (STOCK_TRACK_RECORD, NBHD_CITY)
