"""How traffic becomes usage, for each service: figures that were measured, and assumptions that are named."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cdk_app.docs.cost import Workload
from cdk_app.docs.workloads import nbhd_city, stock_track_record

WORKLOADS: Final[Mapping[str, Callable[[], Workload]]] = MappingProxyType(
    {"stock_track_record": stock_track_record.workload, "nbhd_city": nbhd_city.workload}
)
"""By package of the service. Each reads `capacity.json`, which `make bench-capacity` writes."""
