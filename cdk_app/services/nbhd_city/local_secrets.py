"""What stands in the secret of nbhd.city on this machine, by the name of the field. Each call makes up a new value."""

import base64
import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from cdk_app.services.nbhd_city.bluesky.world import SAMPLE_ACCOUNTS

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


MADE_UP: Final[Mapping[str, Callable[[], Mapping[str, Any]]]] = MappingProxyType(
    {"jwt": _token_keys, "oauth": _oauth_client, "test_login": _test_users}
)
