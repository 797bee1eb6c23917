"""Running the audit and inventory tools: bounded, and with their own words when they fail."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cdk_app.operations.supply_chain.answer import CouldNotLook

ROOT: Final = Path(__file__).resolve().parents[3]
LAST_WORDS: Final = 200  # characters of an error that are shown


def run(command: Sequence[str], *, folder: Path = ROOT, timeout_seconds: int) -> str:
    """What a program printed, whatever its exit code: auditors end with 1 for findings and for a dead network alike.

    Raises CouldNotLook when it does not start, does not end in time, or prints nothing.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the commands are constants of this package
            command, cwd=folder, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CouldNotLook(f"{command[0]}: {error}") from error
    if not done.stdout.strip():
        last_line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CouldNotLook(f"{Path(command[0]).name} ended with {done.returncode}: {last_line[-LAST_WORDS:]}")
    return done.stdout


def tool(name: str) -> str:
    """A program of the virtual environment that runs us."""
    return str(Path(sys.executable).parent / name)
