"""Which services there are, told to the runner in a file.

    python -m cdk_app.local.catalogue FILE

Loading `cdk_app.services` loads the CDK library: 4 s, and a Node process that stays for as long as ours. So a process
of its own does it when a deployment is due, and the runner reads what it wrote.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cdk_app.local.layout import ROOT

VENV_BIN: Final = ROOT / ".venv" / "bin"


@dataclass(frozen=True, slots=True)
class ListedService:
    """What the runner needs to know of a `cdk_app.services.Service`. stack_names: as CloudFormation has them."""

    name: str
    title: str
    local_port: int
    stack_names: tuple[str, ...]


def read_catalogue(path: Path) -> tuple[ListedService, ...]:
    """The services as of the last deployment; none when there was no deployment."""
    if not path.is_file():
        return ()
    entries = json.loads(path.read_text(encoding="utf-8"))
    return tuple(ListedService(**{**entry, "stack_names": tuple(entry["stack_names"])}) for entry in entries)


def command(path: Path) -> tuple[str, ...]:
    """The command that writes the catalogue."""
    return (sys.executable, "-m", "cdk_app.local.catalogue", str(path))


def with_our_tools(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which the locked Node is found before any other: the CDK library and the CLI run on it."""
    return {**environment, "PATH": os.pathsep.join((str(VENV_BIN), environment.get("PATH", os.defpath)))}


def main() -> None:
    from cdk_app.services import SERVICES  # noqa: PLC0415 - slow, see above

    services = [
        ListedService(
            name=service.name,
            title=service.title,
            local_port=service.local_port,
            stack_names=tuple(f"local-{service.name}{part}" for part in ("Data", "App")),
        )
        for service in SERVICES
    ]
    Path(sys.argv[1]).write_text(json.dumps([asdict(service) for service in services]), encoding="utf-8")


if __name__ == "__main__":
    main()
