"""Which outside services are the real ones and which are stand-ins, and the keys that go into the local secret.

`.env` decides: a service whose key is there is reached for real, any other through its stand-in. The price services
follow YouTube, since real videos speak of real shares, and an invented price beside them would only mislead: they are
real as soon as YouTube is, and without a key then simply not configured, as on AWS.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError
from dotenv import dotenv_values

from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.local.standins import base_urls

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
class OutsideWorld:
    """The outside as one run sees it. real: services reached for real; keys: value by field of the secret."""

    real: frozenset[OutsideService]
    keys: Mapping[str, str]

    @property
    def needs_stand_ins(self) -> bool:
        return len(self.real) < len(OUTSIDE_SERVICES)

    def function_environment(self, stand_ins_url: str) -> dict[str, str]:
        """Base URLs of the stand-ins, for the functions to inherit; a real service keeps its default."""
        addresses = base_urls(stand_ins_url)
        return {
            service.base_url: addresses[service.base_url] for service in OUTSIDE_SERVICES if service not in self.real
        }


def outside_world(env_file: Path) -> OutsideWorld:
    """Read `.env`, which need not exist. Other variables in it are left alone."""
    given = {name: (value or "").strip() for name, value in dotenv_values(env_file).items()}
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


def store_keys(cloud: MiniStack, secret_ids: Iterable[str], keys: Mapping[str, str]) -> None:
    """Put the keys into the deployed secrets that have fields for them. Two requests per secret.

    Other fields and other secrets stay as they are.
    """
    secrets = cloud.session.client("secretsmanager", endpoint_url=cloud.url, config=QUICK)
    for secret_id in secret_ids:
        try:
            value = json.loads(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
        except (ClientError, KeyError, ValueError):  # without a value, binary, or plain text: not a secret of keys
            continue
        if isinstance(value, dict) and value.keys() & keys.keys():
            known = {name: key for name, key in keys.items() if name in value}
            secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps({**value, **known}))
