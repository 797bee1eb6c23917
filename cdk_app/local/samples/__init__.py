"""Sample data that services are given at the first start of a house, through their own APIs."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cdk_app.local.samples import nbhd_city

# By the name of the service: a function of its address that may be repeated and raises httpx.HTTPError.
SAMPLES: Final[Mapping[str, Callable[[str], None]]] = MappingProxyType({"NbhdCity": nbhd_city.plant})
