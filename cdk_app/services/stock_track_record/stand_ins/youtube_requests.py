"""What YouTube checks of a request before it answers, and how it refuses: parts, filters, pages, the key."""

import base64
import binascii

from cdk_app.services.stand_ins.answers import Answer, google_error, google_error_info
from cdk_app.services.stock_track_record.stand_ins.wire import Inbound, is_bad_key

LARGEST_PAGE = 50
DEFAULT_PAGE_SIZE = 5
MOST_IDS = 50


class RefusedError(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


def check_key(inbound: Inbound) -> None:
    key = inbound.headers.get("x-goog-api-key", "")
    if not key:
        message = (
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        )
        raise refused(403, message, reason="forbidden", domain="global", status="PERMISSION_DENIED")
    if is_bad_key(key):
        message = "API key not valid. Please pass a valid API key."
        info = google_error_info("API_KEY_INVALID", "youtube.googleapis.com")
        error = {"domain": "global", "reason": "badRequest"}
        raise RefusedError(google_error(400, message, status="INVALID_ARGUMENT", errors=[error], details=[info]))


def check_parts(inbound: Inbound, known: frozenset[str]) -> None:
    """Every list wants `part`, and refuses a part it does not know."""
    parts = parts_of(inbound)
    if not parts:
        raise refused(400, "'part'", reason="missingRequiredParameter", domain="youtube.part", location="part")
    for part in sorted(parts - known):
        raise refused(400, f"'{part}'", reason="unknownPart", domain="youtube.part", location="part")


def parts_of(inbound: Inbound) -> frozenset[str]:
    return frozenset(part.strip() for part in inbound.params.get("part", "").split(",") if part.strip())


def ids_of(inbound: Inbound) -> list[str]:
    ids = list(dict.fromkeys(inbound.params.get("id", "").split(",")))
    if len(ids) > MOST_IDS:
        message = "The request specifies an invalid filter parameter."
        raise refused(400, message, reason="invalidFilters", domain="youtube.parameter", location="id")
    return ids


def page_size_of(inbound: Inbound) -> int:
    text = inbound.params.get("maxResults", str(DEFAULT_PAGE_SIZE))
    if not (text.isascii() and text.isdecimal() and int(text) <= LARGEST_PAGE):
        message = f"Invalid value '{text}'. Values must be within the range: [0, 50]"
        raise refused(400, message, reason="invalidParameter", domain="global", location="maxResults")
    return int(text) or DEFAULT_PAGE_SIZE


def page_token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"page:{offset}".encode()).decode().rstrip("=")


def offset_of(token: str, *, below: int) -> int:
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        offset = int(text.removeprefix("page:"))
    except (binascii.Error, ValueError):
        offset = -1
    if page_token(offset) != token or not 0 <= offset < below:
        message = "The request specifies an invalid page token."
        raise refused(400, message, reason="invalidPageToken", domain="youtube.parameter", location="pageToken")
    return offset


def no_filter(expected: str) -> RefusedError:
    message = f"No filter selected. Expected one of: {expected}"
    return refused(400, message, reason="missingRequiredParameter", domain="youtube.parameter")


def refused(
    code: int, message: str, *, reason: str, domain: str, location: str = "", status: str | None = None
) -> RefusedError:
    error = {"domain": domain, "reason": reason}
    if location:
        error |= {"location": location, "locationType": "parameter"}
    return RefusedError(google_error(code, message, status=status, errors=[error]))
