"""Somebody who moves Yoto Smart Stream in, with a deployment's secrets and buckets in the emulator."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.migration.operator import Operator

PASSWORD: Final = "Generated0Password0Of024"
OAUTH: Final = "YOTO_OAUTH_SECRET_ARN"
SECRETS: Final[Mapping[str, Mapping[str, str]]] = {
    "BOOTSTRAP_ADMIN_SECRET_ARN": {"username": "admin", "password": PASSWORD},
    OAUTH: {"unused": "generated"},
}
"""Of a fresh deployment, by the variable that names them."""

type ReadTable = Callable[[], Mapping[tuple[str, ...], Mapping[str, Any]]]


def done(operator: Operator, *phase: str, code: int = 0) -> str:
    """The report of a phase that ends with this code."""
    ended = operator.does(*phase)
    assert ended.code == code, ended.said
    return ended.report


def tokens(secrets: Any) -> dict[str, Any]:
    """What the secret of the Yoto cloud holds."""
    members: dict[str, Any] = json.loads(secrets.get_secret_value(SecretId=OAUTH)["SecretString"])
    return members
