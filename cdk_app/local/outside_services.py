"""Which outside services are the real ones and which are stand-ins.

`.env` decides: what has its key there is reached for real, anything else through its stand-in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdk_app.local.env_file import read_env_file
from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Endpoint, StandIn

STAND_IN_KEY: Final = "stand-in"  # the stand-ins accept any key that does not start with `bad`
STAND_INS: Final = tuple(dict.fromkeys(stand_in for service in SERVICES for stand_in in service.stand_ins))


@dataclass(frozen=True, slots=True)
class OutsideServices:
    """The outside services of one run. real: endpoints that are reached for real; keys: value by field of a secret."""

    real: frozenset[Endpoint]
    keys: Mapping[str, str]

    @property
    def stand_ins(self) -> tuple[StandIn, ...]:
        """Those that somebody would call."""
        return tuple(each for each in STAND_INS if not self.real.issuperset(each.endpoints))

    def function_environment(self, url_of: Callable[[StandIn], str]) -> dict[str, str]:
        """Addresses of the stand-ins, for the functions to inherit; a real service keeps its default."""
        real = {endpoint.variable for endpoint in self.real}
        return {
            variable: address
            for stand_in in STAND_INS
            for variable, address in stand_in.variables(url_of(stand_in)).items()
            if variable not in real
        }


def outside_services(env_file: Path) -> OutsideServices:
    """Read `.env`, which need not exist. Raises LocalCloudError when it holds anything but our keys."""
    endpoints = [endpoint for stand_in in STAND_INS for endpoint in stand_in.endpoints]
    with_key = {endpoint: endpoint.key for endpoint in endpoints if endpoint.key is not None}
    given = {name: key for name, key in read_env_file(env_file, list(with_key.values())).items() if key}
    real = frozenset(endpoint for endpoint in endpoints if {endpoint.key, endpoint.real_with} & given.keys())
    keys = {
        name.lower(): given.get(name, "") if endpoint in real else STAND_IN_KEY for endpoint, name in with_key.items()
    }
    return OutsideServices(real, keys)
