"""What stands in the deployed secrets of this machine, by the name of the field.

Keys of outside services are written at every start, as `.env` has them. Everything else is made up once, where a field
is empty as the stack left it, and kept over restarts, so that tokens stay good.
"""

import base64
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from botocore.exceptions import ClientError

from cdk_app.local.bluesky.world import SAMPLE_ACCOUNTS
from cdk_app.local.ministack import QUICK, MiniStack

KEY_ID: Final = "local"
KEY_BYTES: Final = 32  # as long as the digest of HMAC-SHA256: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
TEST_USERS: Final = SAMPLE_ACCOUNTS[:2]  # alice and bob; their passwords are their names


def _token_keys() -> dict[str, Any]:
    key = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()
    return {"current": {"kid": KEY_ID, "key": key}, "previous": []}


def _oauth_client() -> dict[str, Any]:
    # Imported late: most starts make nothing up.
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415

    jwk = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {"client_secret": secrets.token_urlsafe(KEY_BYTES), "client_jwk": {**jwk, "kid": KEY_ID}}


def _test_users() -> dict[str, Any]:
    users = []
    for account in TEST_USERS:
        name = account.display_name.lower()
        user = {"username": name, "password": name, "did": account.did, "handle": account.handle}
        users.append({**user, "display_name": account.display_name})
    return {"users": users}


# By field. A service whose secret has a field of this name is given the same kind of value.
MADE_UP: Final[Mapping[str, Callable[[], Mapping[str, Any]]]] = MappingProxyType(
    {"jwt": _token_keys, "oauth": _oauth_client, "test_login": _test_users}
)


def fill_secrets(cloud: MiniStack, secret_ids: Iterable[str], keys: Mapping[str, str]) -> None:
    """Put into the deployed secrets what they have fields for. Two requests per secret, one when nothing changes.

    keys: of outside services, value by field. Other fields and other secrets stay as they are.
    """
    client = cloud.session.client("secretsmanager", endpoint_url=cloud.url, config=QUICK)
    for secret_id in secret_ids:
        try:
            value = json.loads(client.get_secret_value(SecretId=secret_id)["SecretString"])
        except (ClientError, KeyError, ValueError):  # without a value, binary, or plain text: nothing of ours
            continue
        if isinstance(value, dict) and (filled := filled_in(value, keys)) != value:
            client.put_secret_value(SecretId=secret_id, SecretString=json.dumps(filled))


def filled_in(value: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """The members of a secret with keys as given, and with made-up values where a field is empty."""
    known = {name: key for name, key in keys.items() if name in value}
    made_up = {name: make() for name, make in MADE_UP.items() if value.get(name) == ""}
    return {**value, **known, **made_up}
