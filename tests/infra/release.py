"""Keep of a release what the next change is compared with: `make release`.

    python -m tests.infra.release [ENVIRONMENT...]

Run it for what was deployed, from the commit that was: CloudFormation compares a change with what is there, and so does
the gate. Without an environment it keeps all of them.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cdk_app.environments import ENVIRONMENTS, environment_named
from tests.infra.gates.loading import RELEASED
from tests.infra.gates.released import compared
from tests.support.assembly import Assembly, synthesise

LINE: Final = 118
DEPLOYED: Final = tuple(name for name, environment in ENVIRONMENTS.items() if not environment.on_this_machine)


def keep(assembly: Assembly, folder: Path) -> None:
    """Write what is compared of the templates of one environment, a file for each stack."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name, template in assembly.templates.items():
        (folder / f"{name}.json").write_text(f"{readable(compared(template.body))}\n", encoding="utf-8")


def readable(value: Any, indent: str = "") -> str:
    """JSON that a reviewer can read and compare: whatever fits on a line has one, with a space for each level."""
    flat = json.dumps(value)
    if len(indent) + len(flat) <= LINE or not isinstance(value, dict | list):
        return flat
    inner = f"{indent} "
    if isinstance(value, dict):
        parts, (first, last) = [f"{json.dumps(name)}: {readable(part, inner)}" for name, part in value.items()], "{}"
    else:
        parts, (first, last) = [readable(part, inner) for part in value], "[]"
    return f"{first}\n{inner}{f',\n{inner}'.join(parts)}\n{indent}{last}"


def main(names: Sequence[str]) -> None:
    """Keep the release of some environments, or of all. Raises UnknownEnvironment."""
    released = [environment_named(name).name for name in names] or DEPLOYED
    with tempfile.TemporaryDirectory() as scratch:
        synthesise(Path(scratch), *released)
        for name in released:
            keep(Assembly(name, Path(scratch) / name), RELEASED / name)


if __name__ == "__main__":
    main(sys.argv[1:])
