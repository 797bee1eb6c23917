"""How we talk to outside services.

Http              sends one call; a call that gets no answer is ProviderUnavailable
Provider          a service: base URL, repeats of short calls
  KeyedProvider     a service that wants a key: reads it late, once more when it is refused
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from lambda_src.runtime import outside
from lambda_src.runtime.outside import Call
from lambda_src.services.stock_track_record.clients.decoded import Json, decode
from lambda_src.services.stock_track_record.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    import httpx

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
        try:
            return decode(self.content)
        except ValueError:
            return None


class Http(outside.Http):
    """Sends calls of all providers.

    repeats: how often a call of at most 10 s is repeated after a transient failure, 1, 2, 4, ... s apart; 0 where
    somebody waits for the answer. transport, sleep and monotonic are for tests.
    """

    def __init__(
        self,
        *,
        repeats: int = 0,
        transport: "httpx.BaseTransport | None" = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(transport=transport, monotonic=monotonic)
        self.repeats = repeats
        self.sleep = sleep

    def send(self, base_url: str, call: Call, *, provider: str) -> Answer:
        """Send one call and read its whole answer. Raises ProviderUnavailable when none came in time. 1 request."""
        try:
            answer = self.exchange(base_url, call, provider=provider)
        except outside.NoAnswer as exc:
            raise ProviderUnavailable(exc.detail) from exc
        return Answer(answer.status, answer.headers, answer.content)


class Provider:
    """An outside service. Subclasses turn calls and answers into values and errors of ours."""

    name: ClassVar[str]
    is_repeated: ClassVar[bool] = True

    def __init__(self, http: Http, *, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    def _ask[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer. Short calls are repeated while they fail in passing.

        A provider that asks for a pause is not asked again. Raises what the last attempt raised.
        """
        is_short = call.timeout_seconds <= _REPEATED_UP_TO_SECONDS
        repeats = self._http.repeats if self.is_repeated and is_short else 0
        for attempt in range(repeats):
            try:
                return self._ask_once(call, read)
            except ProviderThrottled:
                raise
            except ProviderUnavailable:
                self._http.sleep(2.0**attempt)
        return self._ask_once(call, read)

    def _ask_once[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        return read(self._http.send(self._base_url, call, provider=self.name))

    def _unavailable(self, answer: Answer) -> ProviderUnavailable:
        return ProviderUnavailable(f"{self.name} answered with status {answer.status}")


class KeyedProvider(Provider):
    """An outside service that wants a key, in a header unless `_with_key` says otherwise."""

    key_name: ClassVar[str]
    key_header: ClassVar[str]

    def __init__(self, http: Http, *, base_url: str, keys: ApiKeys) -> None:
        super().__init__(http, base_url=base_url)
        self._keys = keys

    def _ask_once[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """A refused key is read anew; the call is sent once more only if there is another key now."""
        key = self._key()
        try:
            return super()._ask_once(self._with_key(call, key), read)
        except KeyRejected:
            self._keys.refresh()
            newer = self._key()
            logger.warning("key refused", extra={"provider": self.name, "has_newer_key": newer != key})
            if newer == key:
                raise
            return super()._ask_once(self._with_key(call, newer), read)

    def _with_key(self, call: Call, key: str) -> Call:
        return replace(call, headers={**call.headers, self.key_header: key})

    def _key(self) -> str:
        key = self._keys.get(self.key_name, default="").strip()
        if not key:
            raise ProviderDisabled(f"No {self.name} API key is configured")
        if not (key.isascii() and key.isprintable()):
            # httpx would quote it in its own error message
            raise ProviderDisabled(f"The {self.name} API key holds characters that no key has")
        return key
