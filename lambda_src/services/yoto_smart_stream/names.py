"""Names people give: of users, addresses and files. Everything here raises before any request is made."""

import re
import unicodedata
from typing import Final

from lambda_src.runtime.accounts.passwords import folded
from lambda_src.services.yoto_smart_stream.errors import InvalidEmail, InvalidFilename, InvalidUsername

CONTENT_TYPES: Final = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "webm": "audio/webm",
}
"""By extension, what every file of it is stored and served as."""
MAX_FILENAME_BYTES: Final = 255
MAX_EMAIL_BYTES: Final = 254
# No longer text comes to 255 bytes in NFC, which takes the square of the time for long runs of marks.
_MAX_TYPED_CHARACTERS: Final = 1024

_USERNAME: Final = re.compile(r"[A-Za-z0-9_-]{3,50}")
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
# `%`: a path may be decoded twice on its way here. Marks of direction and of byte order make one name look as another.
_FORBIDDEN: Final = frozenset("/\\%\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def valid_username(text: str) -> str:
    """A name as typed. Raises InvalidUsername."""
    if _USERNAME.fullmatch(text) is None:
        raise InvalidUsername
    return text


def username_key(text: str) -> str | None:
    """What a name is found by, in any case; None for what is none. No request is worth making for it then."""
    return text.lower() if _USERNAME.fullmatch(text) else None


def valid_email(text: str) -> str:
    """An address in its normal form; its domain is not looked up. Raises InvalidEmail."""
    if len(text) > _MAX_TYPED_CHARACTERS:
        raise InvalidEmail
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 -- 40 ms, and needed rarely

    try:
        normal = validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as exc:
        raise InvalidEmail from exc
    if len(normal.encode()) > MAX_EMAIL_BYTES:
        raise InvalidEmail
    return normal


def valid_filename(text: str) -> str:
    """A file name in NFC without white space around it. Raises InvalidFilename with the first rule it breaks."""
    typed = text.strip()
    if not typed:
        raise InvalidFilename("empty")
    if len(typed) > _MAX_TYPED_CHARACTERS:
        raise InvalidFilename("too_long")
    name = unicodedata.normalize("NFC", typed)
    if len(name.encode("utf-8", "surrogatepass")) > MAX_FILENAME_BYTES:
        raise InvalidFilename("too_long")
    if any(each in _FORBIDDEN or unicodedata.category(each) in _FORBIDDEN_CATEGORIES for each in name):
        raise InvalidFilename("forbidden_character")
    if name.startswith("."):
        raise InvalidFilename("leading_dot")
    if _extension(name) not in CONTENT_TYPES:
        raise InvalidFilename("unsupported_extension")
    return name


def found_filename(text: str) -> str | None:
    """A file name as a path has it, in whatever form; None for what no file is called, white space around it too."""
    try:
        return valid_filename(text) if text == text.strip() else None
    except InvalidFilename:
        return None


def extension_of(filename: str) -> str:
    """`mp3` of a valid file name, in lower case."""
    return _extension(filename)


def content_type_of(filename: str) -> str:
    """What a file of this valid name is served as."""
    return CONTENT_TYPES[_extension(filename)]


def search_text(text: str) -> str:
    """What a search looks for, whatever the case; empty for white space."""
    return folded(text.strip())


def _extension(name: str) -> str:
    _, dot, extension = name.rpartition(".")
    return extension.casefold() if dot else ""
