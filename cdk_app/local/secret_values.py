"""What stands in the deployed secrets of this machine, by the name of the field.

Keys of outside services are written at every start, as `.env` has them. What a service makes up is made up once, where
a field is empty as the stack left it, and kept over restarts, so that tokens stay good.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.services.service import FirstAccount

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

type MadeUp = Mapping[str, Callable[[], Mapping[str, Any] | str]]


def fill_secrets(emulator: MiniStack, secret_ids: Iterable[str], keys: Mapping[str, str], made_up: MadeUp) -> None:
    """Put into the deployed secrets what they have fields for. Two requests per secret, one when nothing changes.

    keys: of outside services, value by field. made_up: how to make a value, by field. Other fields and other secrets
    stay as they are.
    """
    client = _client(emulator)
    for secret_id, value in _values(client, secret_ids):
        if (filled := filled_in(value, keys, made_up)) != value:
            client.put_secret_value(SecretId=secret_id, SecretString=json.dumps(filled))


def first_accounts(emulator: MiniStack, secret_ids: Iterable[str]) -> Iterator[FirstAccount]:
    """Who exists from the start: each secret that holds a name and a password and nothing else. One request each."""
    for _, value in _values(_client(emulator), secret_ids):
        if value.keys() == {"username", "password"}:
            yield FirstAccount(username=value["username"], password=value["password"])


def _client(emulator: MiniStack) -> "SecretsManagerClient":
    return emulator.session.client("secretsmanager", endpoint_url=emulator.url, config=QUICK)


def _values(client: "SecretsManagerClient", secret_ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, value) of each secret that holds members."""
    for secret_id in secret_ids:
        try:
            value = json.loads(client.get_secret_value(SecretId=secret_id)["SecretString"])
        except (ClientError, KeyError, ValueError):  # without a value, binary, or plain text: nothing of ours
            continue
        if isinstance(value, dict):
            yield secret_id, value


def filled_in(value: Mapping[str, Any], keys: Mapping[str, str], made_up: MadeUp) -> dict[str, Any]:
    """The members of a secret with keys as given, and with made-up values where a field is empty."""
    known = {name: key for name, key in keys.items() if name in value}
    new = {name: make() for name, make in made_up.items() if value.get(name) == ""}
    return {**value, **known, **new}
