"""Software bills of materials: one CycloneDX file a lock, made from the locks alone and without network."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cdk_app.operations.supply_chain import node_packages, python_packages
from cdk_app.operations.supply_chain.answer import CouldNotLook
from cdk_app.operations.supply_chain.programs import ROOT, run, tool

SECONDS: Final = 120


def write(folder: Path, python_locks: Iterable[str] = python_packages.LOCKS) -> list[tuple[Path, int]]:
    """Write the bills into a folder; each with the number of its components. Raises CouldNotLook.

    A bill that misses a package of its lock is not written. About 3 s a lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for lock in python_locks:
        packages = {f"{name}=={version}" for name, version in python_packages.packages_of(ROOT / lock).items()}
        written.append(_store(folder, lock, of_python_lock(ROOT / lock), packages))
    entries = node_packages.packages_of(ROOT / node_packages.LOCK)
    packages = {f"{path.rpartition('node_modules/')[2]}=={version}" for path, version in entries.items()}
    written.append(_store(folder, node_packages.LOCK, of_node_lock(ROOT), packages))
    return written


def of_python_lock(lock: Path) -> dict[str, Any]:
    """CycloneDX of a requirements file: names, versions and hashes; the same bytes for the same lock."""
    command = [tool("cyclonedx-py"), "requirements", str(lock), "--output-format", "JSON", "--output-reproducible"]
    return _parsed(run(command, timeout_seconds=SECONDS))


def of_node_lock(folder: Path) -> dict[str, Any]:
    """CycloneDX of the package-lock.json in a folder."""
    with node_packages.copy_of_lock(folder) as scratch:
        command = [node_packages.npm(), "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"]
        return _parsed(run(command, folder=scratch, timeout_seconds=SECONDS))


def _store(folder: Path, lock: str, bill: dict[str, Any], packages: set[str]) -> tuple[Path, int]:
    components = {_full_name(component) for component in bill["components"]}
    if not packages or (missing := sorted(packages - components)):
        raise CouldNotLook(f"the bill of {lock} lacks {', '.join(missing[:5]) if packages else 'everything'}")
    path = folder / f"{lock.replace('/', '-').removesuffix('.txt').removesuffix('.json')}.cdx.json"
    path.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    return path, len(bill["components"])


def _full_name(component: dict[str, Any]) -> str:
    group = f"{component['group']}/" if component.get("group") else ""
    return f"{group}{component['name']}=={component['version']}"


def _parsed(printed: str) -> dict[str, Any]:
    try:
        bill: dict[str, Any] = json.loads(printed)
    except ValueError as error:
        raise CouldNotLook(f"no bill of materials: {printed.strip()[:80]}") from error
    return bill
