"""Ports for servers that a test starts."""

import secrets
import socket
from typing import Final

from cdk_app.local.layout import Layout, LocalCloudError, refuse_taken_ports
from cdk_app.services.registry import SERVICES

# Above it systems choose the ports of outgoing connections, and any of those may be the one that is wanted next:
# /proc/sys/net/ipv4/ip_local_port_range.
LARGEST_OFFSET: Final = 24_000


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_offset() -> int:
    """An offset at which a local cloud finds its ports free; it says so itself when one is taken in between."""
    for _ in range(100):
        offset = 1_000 + secrets.randbelow(LARGEST_OFFSET - 1_000)
        layout = Layout(port_offset=offset)
        apis = [layout.moved(service.local_port) for service in SERVICES]
        stand_ins = [layout.moved(each.port) for service in SERVICES for each in service.stand_ins]
        ports = [layout.console_port, layout.emulator_port, layout.dynamodb_port, *apis, *stand_ins]
        try:
            refuse_taken_ports(dict.fromkeys(ports, "a test"))
        except LocalCloudError:
            continue
        return offset
    raise AssertionError(f"no offset up to {LARGEST_OFFSET} has its ports free")
