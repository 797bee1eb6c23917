"""Secrets, read by name at run time from AWS Secrets Manager."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal, Protocol

from botocore.config import Config

from lambda_src.errors import AppError, StoreUnavailable

CONNECT_TIMEOUT_SECONDS = 1.0
READ_TIMEOUT_SECONDS = 3.0
MIN_REFRESH_SECONDS = 30.0  # a caller who keeps presenting unknown key ids must not cost one request each


class SecretUnavailable(StoreUnavailable):
    """Secrets Manager did not answer."""

    default_detail = "A secret cannot be read at the moment"


class SecretMalformed(AppError):
    """The secret is no JSON object, or lacks a member that the code cannot do without."""


class SecretSource(Protocol):
    """The part of the Powertools parameters utility that is used here."""

    def get(self, name: str, *, max_age: int, transform: Literal["json"], force_fetch: bool) -> object: ...


class Secret:
    """One secret that holds a JSON object, for example `{"current": "...", "previous": "..."}`.

    Nothing is read before the first `get`. A value is kept for `max_age_seconds`. Values never reach a log.
    """

    def __init__(
        self,
        secret_id: str,
        *,
        max_age_seconds: int = 300,
        source: Callable[[], SecretSource] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret_id = secret_id
        self._max_age_seconds = max_age_seconds
        self._source = cache(source or _secrets_manager)
        self._monotonic = monotonic
        self._must_fetch = False
        self._fetched_at: float | None = None

    def get(self, name: str, *, default: str | None = None) -> str:
        """The member of that name, or `default` where it has none.

        Costs one request when nothing fresh is at hand. Raises SecretUnavailable (retryable) when Secrets Manager
        cannot be reached or refuses, SecretMalformed for a member that is missing without a default or is no text.
        """
        value = self._members().get(name, default)
        if not isinstance(value, str):
            raise SecretMalformed(f"Secret {self._secret_id} has no text named {name}")
        return value

    def section(self, name: str) -> Mapping[str, object]:
        """The member of that name, which is an object itself; empty where there is none. Otherwise as `get`."""
        value = self._members().get(name, {})
        if not isinstance(value, dict):
            raise SecretMalformed(f"Secret {self._secret_id} has no object named {name}")
        return value

    def refresh(self) -> None:
        """Read the secret anew at the next `get`: for a key that was refused or an id that is not known.

        Has an effect at most once per MIN_REFRESH_SECONDS.
        """
        if self._fetched_at is None or self._monotonic() - self._fetched_at >= MIN_REFRESH_SECONDS:
            self._must_fetch = True

    def _members(self) -> dict[str, object]:
        # Imported late: the package brings clients for four more AWS services, and most requests need no secret.
        from aws_lambda_powertools.utilities.parameters.exceptions import (  # noqa: PLC0415
            GetParameterError,
            TransformParameterError,
        )

        forced, self._must_fetch = self._must_fetch, False
        try:
            members = self._source().get(
                self._secret_id, max_age=self._max_age_seconds, transform="json", force_fetch=forced
            )
        except GetParameterError as error:
            self._must_fetch = forced
            raise SecretUnavailable(retry_after_seconds=1) from error
        except TransformParameterError:
            # `from None`: the parser's error holds the text it could not parse.
            raise SecretMalformed(f"Secret {self._secret_id} is no JSON document") from None
        if not isinstance(members, dict):
            raise SecretMalformed(f"Secret {self._secret_id} is no JSON object")
        if forced or self._fetched_at is None:
            self._fetched_at = self._monotonic()
        return members


class GivenSecret(Secret):
    """A secret that is at hand, for processes without Secrets Manager. name: for messages."""

    def __init__(self, name: str, members: Mapping[str, object]) -> None:
        super().__init__(name)
        self._given = dict(members)

    def _members(self) -> dict[str, object]:
        return self._given


def _secrets_manager() -> SecretSource:
    import boto3  # noqa: PLC0415 -- as above
    from aws_lambda_powertools.utilities.parameters import SecretsProvider  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "max_attempts": 3},
    )
    return SecretsProvider(boto3_client=boto3.client("secretsmanager", config=config))
