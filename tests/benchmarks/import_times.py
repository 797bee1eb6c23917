"""Where the start of a function goes, by package: what `python -X importtime` says, added up."""

import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

RUNS: Final = 5
TIMEOUT_SECONDS: Final = 60
STANDARD_LIBRARY: Final = "standard library"
_LINE: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)", re.ASCII)


def shares_by_package(*, folder: Path, module: str, environment: Mapping[str, str]) -> list[tuple[str, float]]:
    """Share of the import time of a module that each package of a bundle takes itself, largest first; medians.

    A package's own time includes what its modules do while they are imported.
    """
    runs = [_own_times(folder, module, environment) for _ in range(RUNS)]
    medians = {name: statistics.median(run[name] for run in runs) for name in set().union(*runs)}
    total = sum(medians.values())
    return sorted(((name, value / total) for name, value in medians.items()), key=lambda pair: -pair[1])


def _own_times(folder: Path, module: str, environment: Mapping[str, str]) -> Counter[str]:
    done = subprocess.run(
        [interpreter(), "-S", "-X", "importtime", "-c", f"import {module}"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    bundled = {path.name.partition(".")[0] for path in folder.iterdir()}
    times: Counter[str] = Counter()
    for microseconds, name in _LINE.findall(done.stderr):
        package = name.partition(".")[0]
        times[package if package in bundled else STANDARD_LIBRARY] += int(microseconds)
    return times


def interpreter() -> str:
    """The interpreter below a virtual environment, which sees none of its packages."""
    return str(Path(sys.executable).resolve())
