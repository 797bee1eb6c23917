"""Decentralized identifiers: who a user is, for good."""

import re
from typing import Final

MAX_DID_CHARACTERS: Final = 255
_DID: Final = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")  # https://atproto.com/specs/did


def is_did(text: str) -> bool:
    """Whether the text has the form of a DID."""
    return len(text) <= MAX_DID_CHARACTERS and _DID.fullmatch(text) is not None
