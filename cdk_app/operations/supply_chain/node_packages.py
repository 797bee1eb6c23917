"""The lock of Node packages, and what the npm registry knows against what it names.

npm asks the registry about all packages in one request. It works on a copy of the lock, which holds the control, too.
https://docs.npmjs.com/cli/v11/commands/npm-audit
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cdk_app.operations.supply_chain.answer import Advisory, Answer, CouldNotLook, checked
from cdk_app.operations.supply_chain.programs import ROOT, run, tool

LOCK: Final = "package-lock.json"
AUDIT_SECONDS: Final = 120

# Abandoned; runs shell commands from its input: https://github.com/advisories/GHSA-qh2h-chj9-jffq
CONTROL: Final = "growl"
CONTROL_VERSION: Final = "1.9.2"


def packages_of(lock: Path) -> dict[str, str]:
    """Version by path of what a lock names: two versions of one package have two paths."""
    entries: dict[str, dict[str, Any]] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {path: entry["version"] for path, entry in entries.items() if path}


@contextmanager
def copy_of_lock(folder: Path, **more: str) -> Iterator[Path]:
    """A folder with package.json, package-lock.json and some packages more, for npm to read and nobody to install."""
    with tempfile.TemporaryDirectory() as scratch:
        manifest = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        lock = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        manifest["version"] = lock["packages"][""]["version"] = "0.0.0"  # `npm sbom` wants one; ours is never published
        for name, version in more.items():
            manifest["devDependencies"][name] = version
            lock["packages"][""]["devDependencies"][name] = version
            lock["packages"][f"node_modules/{name}"] = {"version": version, "dev": True}
        for name, content in (("package.json", manifest), (LOCK, lock)):
            (Path(scratch) / name).write_text(json.dumps(content), encoding="utf-8")
        yield Path(scratch)


def npm() -> str:
    """The locked npm of the virtual environment, else the machine's."""
    return tool("npm") if Path(tool("npm")).exists() else shutil.which("npm") or "npm"


def audit(folder: Path = ROOT) -> Answer:
    """Ask about every package of the lock in a folder and about the control. Raises CouldNotLook."""
    with copy_of_lock(folder, **{CONTROL: CONTROL_VERSION}) as scratch:
        printed = run([npm(), "audit", "--json", "--package-lock-only"], folder=scratch, timeout_seconds=AUDIT_SECONDS)
    return read(printed, packages_of(folder / LOCK))


def read(printed: str, packages: dict[str, str]) -> Answer:
    """What npm's JSON says of a lock with these packages. Raises CouldNotLook.

    npm names what is vulnerable and only counts the rest, so the count stands for the names.
    """
    try:
        report = json.loads(printed)
        total, vulnerabilities = report["metadata"]["dependencies"]["total"], report["vulnerabilities"]
    except (ValueError, KeyError, TypeError) as error:
        raise CouldNotLook(f"npm audit printed no report: {_message(printed)}") from error
    if total < len(packages):
        raise CouldNotLook(f"no answer about {len(packages) - total} of {len(packages)} packages")
    found = {
        Advisory(name, _versions(entry, packages), (via["url"].rpartition("/")[2],))
        for name, entry in vulnerabilities.items()
        for via in entry["via"]
        if isinstance(via, dict)  # a text names the vulnerable dependency, which has an entry of its own
    }
    asked = {CONTROL, *packages}
    return checked(LOCK, asked=asked, answered=asked, found=found, control=CONTROL)


def _versions(entry: dict[str, Any], packages: dict[str, str]) -> str:
    return ", ".join(sorted({packages[node] for node in entry["nodes"] if node in packages}))


def _message(printed: str) -> str:
    """What npm says went wrong. It prints that as JSON, too."""
    try:
        return str(json.loads(printed)["message"])
    except (ValueError, KeyError, TypeError):
        return printed.strip()[:80]
