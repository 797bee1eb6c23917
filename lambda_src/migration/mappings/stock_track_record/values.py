"""What becomes of single values: mended with a warning where they decorate a row, rejected where it needs them."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lambda_src.migration.instants import day, instant
from lambda_src.migration.mapping import Reject, Row, Warn
from lambda_src.services.stock_track_record.channels.rules import TEXT_LIMIT, fold_name, is_resolved, parse_channel_url
from lambda_src.services.stock_track_record.errors import InvalidChannelUrl
from lambda_src.services.stock_track_record.market.rules import price
from lambda_src.services.stock_track_record.models import normalise_ticker, timestamp, valid_ticker
from lambda_src.services.stock_track_record.videos.rules import confidence

NO_TIME: Final = "1970-01-01T00:00:00.000Z"

_ID: Final = re.compile(r"[a-z0-9-]{1,64}")  # what the API looks up
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_YOUTUBE_VIDEO_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
_LAST_LOG_ID: Final = 0xFFFF_FFFF  # eight hex digits of the key
_FIRST_MONTHS: Final = 1
_LAST_MONTHS: Final = 36
_DEFAULT_MONTHS: Final = 12
_ADDRESSES: Final = {"handle": "@{}", "custom": "c/{}", "user": "user/{}", "channel_id": "channel/{}"}


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one row. `column` is where they stand; `otherwise` is what takes the place of nothing."""

    row: Row
    warn: Warn

    def text(self, column: str) -> str:
        """The value as text, "" for NULL."""
        value = self.row[column]
        return "" if value is None else str(value)

    # ---- who it is -------------------------------------------------------------------------------------------------

    def id(self) -> str:
        """The row's own id, in lower case."""
        given = self.text("id")
        folded = given.lower()
        if not _ID.fullmatch(folded):
            raise Reject("invalid_id", f"the API cannot be asked for {given[:64]!r}", "id")
        if not _UUID.fullmatch(folded):
            self.warn("id_is_no_uuid", f"{given!r} is kept")
        if folded != given:
            self.warn("id_in_upper_case", f"{given!r} became {folded!r}")
        return folded

    def parent(self, column: str) -> str:
        """The id of another row, spelled as that row's own id is."""
        return self.text(column).lower()

    def log_id(self) -> int:
        number = int(self.row["id"] or 0)
        if not 1 <= number <= _LAST_LOG_ID:
            raise Reject("log_id_out_of_range", f"{number} is not between 1 and {_LAST_LOG_ID}", "id")
        return number

    def identity(self) -> str:
        """The canonical form: names of channels ignore case, and `channel_id:` goes from what is YouTube's own id."""
        given = self.text("youtube_channel_id").strip()
        kind, _, name = given.partition(":")
        canonical = given
        if kind == "channel_id" and is_resolved(name):
            canonical = name
        elif kind in ("handle", "custom", "user"):
            canonical = f"{kind}:{fold_name(name)}"
        if not given.removeprefix(f"{kind}:") or len(canonical) > TEXT_LIMIT:
            raise Reject("invalid_identity", f"{given!r} names no YouTube channel", "youtube_channel_id")
        return canonical

    def alias(self, identity: str) -> str | None:
        """The name in the address of a channel whose identity is YouTube's own id: adding that name finds it again."""
        if not self.row["url"]:
            return None
        try:
            named = parse_channel_url(self.text("url"))
        except InvalidChannelUrl:
            self.warn("url_names_no_channel", f"{self.text('url')[:60]!r} is no address of a YouTube channel")
            return None
        return None if named.is_resolved or not is_resolved(identity) else named.text

    def youtube_video_id(self) -> str:
        given = self.text("youtube_video_id")
        if not _YOUTUBE_VIDEO_ID.fullmatch(given):
            raise Reject("invalid_youtube_video_id", f"{given[:40]!r} is no id of a video", "youtube_video_id")
        return given

    def ticker(self, excluded: frozenset[str]) -> str:
        given = self.text("ticker")
        ticker = valid_ticker(given, excluded)
        if ticker is None:
            raise Reject("invalid_ticker", f"{normalise_ticker(given)!r} is no US share that is kept", "ticker")
        return ticker

    # ---- texts -----------------------------------------------------------------------------------------------------

    def cut(self, column: str, limit: int, *, otherwise: str) -> str:
        """At most `limit` characters; `otherwise` for a blank text."""
        given = self.text(column)
        if not given.strip():
            self.warn(f"{column}_empty", f"it became {otherwise[:60]!r}")
            return otherwise
        if len(given) > limit:
            self.warn(f"{column}_cut", f"of {len(given)} characters the first {limit} are kept")
        return given[:limit]

    def channel_url(self, identity: str, limit: int) -> str:
        given = self.text("url")
        if len(given) > limit:
            raise Reject("value_too_long", f"it has {len(given)} characters, more than {limit}", "url")
        if given:
            return given
        self.warn("url_empty", "the address was made from the identity")
        kind, _, name = identity.partition(":")
        path = _ADDRESSES[kind].format(name) if kind in _ADDRESSES else f"channel/{identity}"
        return f"https://www.youtube.com/{path}"

    def thumbnail_url(self, limit: int) -> str | None:
        given = self.text("thumbnail_url")
        if len(given) > limit:
            self.warn("thumbnail_url_dropped", f"it had {len(given)} characters, more than {limit}")
            return None
        return given or None

    def snippet(self, limit_bytes: int) -> str | None:
        given = self.text("context_snippet")
        if len(given.encode()) > limit_bytes:
            raise Reject("value_too_long", f"it has more than {limit_bytes:,} bytes", "context_snippet")
        return given or None

    def choice(self, column: str, allowed: tuple[str, ...], *, otherwise: str) -> str:
        """One of the allowed; `otherwise` for NULL and for "", MySQL's error value of an ENUM."""
        value = self.row[column]
        if value is None:
            self.warn(f"{column}_missing", f"NULL was taken for {otherwise!r}")
            return otherwise
        if value == "":
            self.warn(
                f"{column}_lost", f"MySQL holds '' in place of a value it refused; it was taken for {otherwise!r}"
            )
            return otherwise
        if value not in allowed:
            raise Reject("invalid_value", f"{value!r} is none of {', '.join(allowed)}", column)
        return str(value)

    # ---- times -----------------------------------------------------------------------------------------------------

    def created_at(self) -> str:
        if self.row["created_at"] is None:
            self.warn("created_at_missing", f"it became {NO_TIME}")
        return self.moment("created_at") or NO_TIME

    def moment(self, column: str) -> str | None:
        """None for NULL and, with a warning, for what is no time."""
        if self.row[column] is None:
            return None
        try:
            return timestamp(instant(self.text(column))[0])
        except ValueError as exc:
            self.warn(f"{column}_invalid", str(exc))
            return None

    def day(self, column: str) -> str:
        try:
            return day(self.text(column))
        except ValueError as exc:
            raise Reject("invalid_date", str(exc), column) from exc

    # ---- numbers ---------------------------------------------------------------------------------------------------

    def count(self, column: str) -> int:
        given = int(self.row[column] or 0)
        if given < 0:
            self.warn(f"{column}_negative", f"{given} became 0")
        return max(0, given)

    def months(self) -> int:
        given = self.row["time_range_months"]
        months = _DEFAULT_MONTHS if given is None else int(given)
        allowed = min(max(months, _FIRST_MONTHS), _LAST_MONTHS)
        if months != allowed:
            self.warn("time_range_months_changed", f"{months} became {allowed}")
        return allowed

    def price(self, column: str) -> str | None:
        """With at most 4 decimals; None for NULL and, with a warning, for what is no price."""
        if self.row[column] is None:
            return None
        given = self.text(column)
        found = price(given)
        if found is None:
            self.warn(f"{column}_dropped", f"{given} is no price")
            return None
        if found != Decimal(given):
            self.warn(f"{column}_rounded", f"{given} became {found}")
        return decimal_text(found)

    def confidence(self) -> str | None:
        """0.00 to 1.00."""
        if self.row["confidence_score"] is None:
            return None
        given = Decimal(self.text("confidence_score"))
        found = confidence(given)
        if found != given:
            self.warn("confidence_score_changed", f"{given} became {found}")
        return None if found is None else decimal_text(found)


def decimal_text(number: Decimal) -> str:
    """Without zeros at its end, which DynamoDB does not keep."""
    return f"{number.normalize():f}" if number else "0"
