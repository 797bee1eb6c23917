"""Outside services that answer in JSON.

Provider          a service: base URL, repeats of short calls
  KeyedProvider     a service that wants a key: reads it late, once more when it is refused
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Protocol

from lambda_src.runtime import outside
from lambda_src.runtime.outside import Call, Http
from lambda_src.runtime.providers.decoded import Json, decode, decode_or_none
from lambda_src.runtime.providers.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
)

logger = logging.getLogger(__name__)

_REPEATED_UP_TO_SECONDS: Final = 10.0  # longer calls are repeated by bringing their message back


class ApiKeys(Protocol):
    """Where keys of outside services come from."""

    def get(self, name: str, *, default: str) -> str:
        """The key of that name, `default` when there is none. An empty text counts as none."""
        ...

    def refresh(self) -> None:
        """Look for newer keys at the next `get`."""
        ...


class Answer(outside.Answer):
    """What came back, whatever its status."""

    __slots__ = ()

    def json(self) -> Json:
        """The decoded body, its fractions as Decimal. Raises MalformedAnswer."""
        try:
            return decode(self.content)
        except ValueError as exc:
            raise MalformedAnswer from exc

    def json_or_none(self) -> Json:
        """The decoded body of an error, None when it is no JSON."""
        return decode_or_none(self.content)


@dataclass(frozen=True, slots=True)
class Access:
    """How providers are reached.

    repeats: how often a call of at most 10 s is repeated after a transient failure, 1, 2, 4, ... s apart; 0 where
    somebody waits for the answer.
    """

    http: Http
    keys: ApiKeys
    repeats: int = 0
    sleep: Callable[[float], None] = time.sleep


class Provider:
    """An outside service. Subclasses turn calls and answers into values and errors of ours."""

    name: ClassVar[str]
    is_repeated: ClassVar[bool] = True

    def __init__(self, access: Access, *, base_url: str) -> None:
        self._access = access
        self._base_url = base_url

    def _ask[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer. Short calls are repeated while they fail in passing.

        A provider that asks for a pause is not asked again. Raises what the last attempt raised.
        """
        is_short = call.timeout_seconds <= _REPEATED_UP_TO_SECONDS
        repeats = self._access.repeats if self.is_repeated and is_short else 0
        for attempt in range(repeats):
            try:
                return self._ask_once(call, read)
            except ProviderThrottled:
                raise
            except ProviderUnavailable:
                self._access.sleep(2.0**attempt)
        return self._ask_once(call, read)

    def _ask_once[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer to one request. Raises ProviderUnavailable when none came in time."""
        try:
            answer = self._access.http.exchange(self._base_url, call, provider=self.name)
        except outside.NoAnswer as exc:
            raise ProviderUnavailable(exc.detail) from exc
        return read(Answer(answer.status, answer.headers, answer.content))

    def _unavailable(self, answer: Answer) -> ProviderUnavailable:
        return ProviderUnavailable(f"{self.name} answered with status {answer.status}")


class KeyedProvider(Provider):
    """An outside service that wants a key, in a header unless `_with_key` says otherwise."""

    key_name: ClassVar[str]
    key_header: ClassVar[str]

    @property
    def has_key(self) -> bool:
        """Whether a key is configured. Reads the secret as a call does."""
        return bool(self._access.keys.get(self.key_name, default=""))

    def _ask_once[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """A refused key is read anew; the call is sent once more only if there is another key now."""
        key = self._key()
        try:
            return super()._ask_once(self._with_key(call, key), read)
        except KeyRejected:
            self._access.keys.refresh()
            newer = self._key()
            logger.warning("key refused", extra={"provider": self.name, "has_newer_key": newer != key})
            if newer == key:
                raise
            return super()._ask_once(self._with_key(call, newer), read)

    def _with_key(self, call: Call, key: str) -> Call:
        return replace(call, headers={**call.headers, self.key_header: key})

    def _key(self) -> str:
        key = self._access.keys.get(self.key_name, default="").strip()
        if not key:
            raise ProviderDisabled(f"No {self.name} API key is configured")
        if not (key.isascii() and key.isprintable()):
            # httpx would quote it in its own error message
            raise ProviderDisabled(f"The {self.name} API key holds characters that no key has")
        return key
