"""Text from outside, made fit to be stored and shown."""

import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")  # JSON may hold halves of a pair, UTF-8 may not


def clean_text(text: str, limit: int) -> str:
    """The text on one line, trimmed and cut to `limit` characters; maybe empty.

    Control characters become a space, halves of surrogate pairs become U+FFFD.
    """
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text)).strip()[:limit].rstrip()
