"""Where the local cloud listens and where it keeps its files.

Two local clouds can run side by side: an offset moves every port, and gives the second one files of its own.
"""

import os
import socket
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdk_app.local.running import REGION

ROOT: Final = Path(__file__).resolve().parents[2]
LOCAL_DIRECTORY: Final = ROOT / ".local"
HOST: Final = "127.0.0.1"  # everything listens on loopback only


class LocalCloudError(Exception):
    """The local cloud cannot start or go on. The message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Ports and folders of one local cloud. port_offset: 0-50000, added to every port."""

    port_offset: int = 0

    @property
    def console_port(self) -> int:
        return 8000 + self.port_offset

    @property
    def emulator_port(self) -> int:
        return 4570 + self.port_offset

    @property
    def dynamodb_port(self) -> int:
        return 8102 + self.port_offset

    def moved(self, declared: int) -> int:
        """The port of an API or a stand-in. declared: the one it has in a local cloud without an offset."""
        return declared + self.port_offset

    def address(self, declared: int) -> str:
        """The address of an API or a stand-in, as a browser on this machine has it. declared: as in `moved`."""
        return f"http://localhost:{self.moved(declared)}"

    @property
    def emulator_url(self) -> str:
        return f"http://localhost:{self.emulator_port}"

    @property
    def dynamodb_url(self) -> str:
        return f"http://localhost:{self.dynamodb_port}"

    @property
    def console_url(self) -> str:
        return f"http://localhost:{self.console_port}"

    @property
    def state_directory(self) -> Path:
        """All that `make reset` forgets."""
        return LOCAL_DIRECTORY / (f"state-{self.port_offset}" if self.port_offset else "state")

    @property
    def log_directory(self) -> Path:
        return self.state_directory / "logs"


def refuse_taken_ports(purposes: Mapping[int, str]) -> None:
    """Raise LocalCloudError, naming every port on which something listens already. purposes: by port."""
    taken = {port: purpose for port, purpose in purposes.items() if _is_taken(port)}
    if taken:
        named = "\n".join(f"Port {port}, needed for {purpose}, is taken." for port, purpose in taken.items())
        raise LocalCloudError(
            f"{named} End the program that has it (`lsof -i :{','.join(map(str, taken))}` names it), "
            "or move this local cloud aside: make run PORT_OFFSET=100"
        )


def _is_taken(port: int) -> bool:
    """Binding tells more than connecting does: a socket that is bound and not yet listening is found too."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def shield_from_real_aws(environment: MutableMapping[str, str]) -> None:
    """Change an environment so that no program below can meet a real AWS account.

    Credentials, profiles and endpoints of the user go; so do Python settings, which would change what the functions
    do (`PYTHONDONTWRITEBYTECODE` alone makes every synthesis 4 s slower).
    """
    for name in list(environment):
        if name.startswith(("AWS_", "CDK_", "PYTHON")) or name == "VIRTUAL_ENV":
            del environment[name]
    environment.update(
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106 - the emulators accept anything
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
