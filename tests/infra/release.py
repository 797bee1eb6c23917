"""Keep the templates of a release, for the rules that compare the next change with it: `make release`.

    python -m tests.infra.release [ENVIRONMENT...]

Run it for what was deployed, from the commit that was: CloudFormation compares a change with what is there, and so does
the gate. Without an environment it keeps all of them.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cdk_app.environments import ENVIRONMENTS, environment_named
from tests.infra.gates.loading import RELEASED
from tests.support.assembly import Assembly, scrubbed, synthesise

DEPLOYED: Final = tuple(name for name, environment in ENVIRONMENTS.items() if not environment.on_this_machine)


def keep(assembly: Assembly, folder: Path) -> None:
    """Write the templates of one environment, without the hashes that change with every commit."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name, template in assembly.templates.items():
        text = scrubbed(template.path.read_text(encoding="utf-8"))
        (folder / f"{name}.template.json").write_text(f"{text.rstrip()}\n", encoding="utf-8")


def main(names: Sequence[str]) -> None:
    """Keep the release of some environments, or of all. Raises UnknownEnvironment."""
    released = [environment_named(name).name for name in names] or DEPLOYED
    with tempfile.TemporaryDirectory() as scratch:
        synthesise(Path(scratch), *released)
        for name in released:
            keep(Assembly(name, Path(scratch) / name), RELEASED / name)


if __name__ == "__main__":
    main(sys.argv[1:])
