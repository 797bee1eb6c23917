"""What clients of AWS services have in common: how long a call may take, and what a failed one is called in logs."""

from typing import Final

from botocore.config import Config

CONNECT_TIMEOUT_SECONDS: Final = 1.0
MAX_RETRIES: Final = 3


def client_config(read_timeout_seconds: float) -> Config:
    """Settings of a client whose calls end soon: without any answer after four times this and some seconds."""
    return Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "max_attempts": MAX_RETRIES},  # after the first try
    )


def reason_of(error: Exception) -> str:
    """The service's error code, or the kind of connection failure: what a log needs, without addresses."""
    response = getattr(error, "response", None) or {}  # None: that of a connection which failed
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
