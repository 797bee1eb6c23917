"""Ports for servers that a test starts."""

import socket

from cdk_app.local.layout import Layout


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_offset() -> int:
    """An offset at which a local cloud finds its first port free; it says so itself when another is taken."""
    for _ in range(100):
        offset = free_port() - Layout().console_port
        if 0 < offset <= 50_000:
            return offset
    raise AssertionError("no free port between 8000 and 58000")
