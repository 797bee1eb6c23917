"""The API on one machine without AWS: accounts, records and transcripts in one SQLite file, for `uvicorn`.

    make run-sqlite

which says `--no-proxy-headers --no-access-log`: attempts to sign in are counted by address, which nobody may choose,
and uvicorn's own log would hold play links.

DATABASE_URL names the file. JWT_SECRET, of 32 characters or more, keeps tokens good over restarts, and
BOOTSTRAP_ADMIN_PASSWORD is that of `admin`; without them both are made up, and the password is printed once. There is
nobody to take uploads; provider `fake` hears the same words in every file. With DYNAMODB_TABLE it serves that table.
"""

import logging
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import FastAPI

from lambda_src.dynamo.meter import UsageMeter
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.observability import configure_logging
from lambda_src.runtime.resources import Resources
from lambda_src.runtime.secrets import GivenSecret, Secret
from lambda_src.services.yoto_smart_stream import wiring
from lambda_src.services.yoto_smart_stream.errors import ConfigurationError
from lambda_src.services.yoto_smart_stream.settings import ApiSettings
from lambda_src.services.yoto_smart_stream.store import SqliteStore, get_store

ADMIN: Final = "admin"
MIN_SECRET_CHARACTERS: Final = 32
KEYS: Final = "keys of tokens"
ACCOUNT: Final = "account of the first administrator"

logger = logging.getLogger(__name__)


def local_settings(environment: Mapping[str, str]) -> ApiSettings:
    """The variables of a process on this machine. Raises ValueError for those that are wrong."""
    names = {name: text for name in ApiSettings.model_fields if (text := environment.get(name.upper()))}
    here: dict[str, Any] = {
        "environment": "local", "transcription_provider": "fake", "cors_origins": "http://localhost:5173",
        "jwt_secret_arn": KEYS, "bootstrap_admin_secret_arn": ACCOUNT,
    }  # fmt: skip
    return ApiSettings.model_validate(here | names)


def local_secrets(environment: Mapping[str, str]) -> dict[str, Secret]:
    """What a process on this machine keeps to itself, by name. Raises ConfigurationError for a key that is short."""
    key = environment.get("JWT_SECRET")
    if key is None:
        logger.warning("JWT_SECRET is not set: tokens end with this process")
        key = secrets.token_urlsafe(MIN_SECRET_CHARACTERS)
    elif len(key) < MIN_SECRET_CHARACTERS:
        raise ConfigurationError(f"JWT_SECRET has at least {MIN_SECRET_CHARACTERS} characters")
    password = environment.get("BOOTSTRAP_ADMIN_PASSWORD")
    if password is None:
        password = secrets.token_urlsafe(18)
        print(f"While nobody else can: sign in as {ADMIN} with {password}", file=sys.stderr)  # noqa: T201 -- once
    return {
        KEYS: GivenSecret(KEYS, {"current": key}),
        ACCOUNT: GivenSecret(ACCOUNT, {"username": ADMIN, "password": password}),
    }


def local_api(environment: Mapping[str, str]) -> FastAPI:
    """The application. Raises ConfigurationError for a database that it refuses."""
    settings, held, metrics = local_settings(environment), local_secrets(environment), Metrics()
    store = get_store()
    if isinstance(store, SqliteStore):
        store.engine.delete_expired()
        settings = settings.model_copy(update={"dynamodb_table": SqliteStore.TABLE_NAME, "is_on_sqlite": True})
        resources = Resources(client=UsageMeter(store.engine), metrics=metrics, serves_many=True)
    else:
        resources = Resources.of(settings, metrics)
    return wiring.api(settings, replace(resources, secret=held.__getitem__, serves_many=True))


configure_logging(service="yoto-smart-stream-api", stream=sys.stderr)
app: Final = local_api(os.environ)
