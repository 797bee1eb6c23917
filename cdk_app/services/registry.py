"""Which services there are. A further one is a folder here, one below `lambda_src/services`, and a value below."""

from typing import Final

from cdk_app.services.service import Service
from lambda_src.services.nbhd_city import tables as nbhd_city_tables
from lambda_src.services.stock_track_record import tables as stock_track_record_tables

STOCK_TRACK_RECORD: Final = Service(
    name="StockTrackRecord",
    package="stock_track_record",
    title="Stock Track Record",
    local_port=8001,
    tables=stock_track_record_tables.TABLES,
    data_stack="cdk_app.services.stock_track_record.stacks:StockTrackRecordData",
    app_stack="cdk_app.services.stock_track_record.stacks:StockTrackRecordApp",
)

NBHD_CITY: Final = Service(
    name="NbhdCity",
    package="nbhd_city",
    title="nbhd.city",
    local_port=8004,
    tables=nbhd_city_tables.TABLES,
    data_stack="cdk_app.services.nbhd_city.stacks:NbhdCityData",
    app_stack="cdk_app.services.nbhd_city.stacks:NbhdCityApp",
)

SERVICES: Final = (STOCK_TRACK_RECORD, NBHD_CITY)
