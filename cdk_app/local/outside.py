"""Which outside services are the real ones and which are stand-ins.

`.env` decides: a service whose key is there is reached for real, any other through its stand-in. The price services
follow YouTube, since real videos speak of real shares, and an invented price beside them would only mislead: they are
real as soon as YouTube is, and without a key then simply not configured, as on AWS. BlueSky has no key: it sends people
back to a public address only, which this machine has not, so here it is always a stand-in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdk_app.local import bluesky, standins
from cdk_app.local.env_file import read_env_file

STAND_IN_KEY: Final = "stand-in"  # the stand-ins accept any key that does not start with `bad`


@dataclass(frozen=True, slots=True)
class OutsideService:
    """A service that ours calls. key: its variable in `.env`, and in lower case its field in the secret."""

    base_url: str
    key: str | None
    gives_prices: bool = False


YOUTUBE: Final = OutsideService("YOUTUBE_API_BASE_URL", key="YOUTUBE_API_KEY")
OUTSIDE_SERVICES: Final = (
    YOUTUBE,
    OutsideService("GEMINI_API_BASE_URL", key="GEMINI_API_KEY"),
    OutsideService("FINNHUB_API_BASE_URL", key="FINNHUB_API_KEY", gives_prices=True),
    OutsideService("ALPHA_VANTAGE_API_BASE_URL", key="ALPHA_VANTAGE_API_KEY", gives_prices=True),
    OutsideService("YAHOO_API_BASE_URL", key=None, gives_prices=True),
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A process that stands for outside services: `python -m <module> --port <port>`, and `GET /` answers 200.

    title: what it stands for. port: before a house moves its ports. variables: what functions are told of an address
    of it; a further stand-in is a further value in STAND_INS.
    """

    title: str
    module: str
    port: int
    variables: Callable[[str], Mapping[str, str]]


STAND_INS: Final = (
    StandIn("YouTube, Gemini and prices", standins.__name__, 8010, standins.base_urls),
    StandIn("BlueSky", bluesky.__name__, 8013, bluesky.settings_for),
)


@dataclass(frozen=True, slots=True)
class OutsideWorld:
    """The outside as one run sees it. real: services reached for real; keys: value by field of the secret."""

    real: frozenset[OutsideService]
    keys: Mapping[str, str]

    @property
    def stand_ins(self) -> tuple[StandIn, ...]:
        """Those that somebody would call."""
        return tuple(each for each in STAND_INS if self._variables(each, ""))

    def function_environment(self, url_of: Callable[[StandIn], str]) -> dict[str, str]:
        """Addresses of the stand-ins, for the functions to inherit; a real service keeps its default."""
        return {name: value for each in STAND_INS for name, value in self._variables(each, url_of(each)).items()}

    def _variables(self, stand_in: StandIn, url: str) -> dict[str, str]:
        real = {service.base_url for service in self.real}
        return {name: value for name, value in stand_in.variables(url).items() if name not in real}


def outside_world(env_file: Path) -> OutsideWorld:
    """Read `.env`, which need not exist. Raises LocalCloudError when it holds anything but our keys."""
    given = read_env_file(env_file, [service.key for service in OUTSIDE_SERVICES if service.key is not None])
    has_key = {service: bool(service.key and given.get(service.key)) for service in OUTSIDE_SERVICES}
    real = frozenset(
        service for service in OUTSIDE_SERVICES if has_key[service] or (service.gives_prices and has_key[YOUTUBE])
    )
    keys = {
        service.key.lower(): given.get(service.key, "") if service in real else STAND_IN_KEY
        for service in OUTSIDE_SERVICES
        if service.key is not None
    }
    return OutsideWorld(real, keys)
