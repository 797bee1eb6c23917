"""The locks of Python packages: which there are, and what the OSV database knows against what they name.

pip-audit asks OSV about each package by name and version. It can ask PyPI, too, but reports a package that PyPI did not
answer for as skipped and ends with 0. `PIP_AUDIT_OSV_URL` points it to a mirror.
https://github.com/pypa/pip-audit#usage
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cdk_app.constructs.wheelhouse import all_locks
from cdk_app.operations.supply_chain.answer import Advisory, Answer, CouldNotLook, checked
from cdk_app.operations.supply_chain.programs import ROOT, run, tool

LOCKS: Final = (
    "requirements.txt",
    "requirements-dev.txt",
    *(str(lock.relative_to(ROOT)) for lock in all_locks()),
    "lambda_src/migration/requirements.txt",
    "cdk_app/local/requirements.txt",
)
AUDIT_SECONDS: Final = 600  # one request a package, one after the other
REQUEST_SECONDS: Final = 20

# Abandoned in 2013 with a heap overflow that was never mended: https://osv.dev/vulnerability/PYSEC-2017-94
CONTROL: Final = "pycrypto"
CONTROL_VERSION: Final = "2.6.1"
# pip-audit wants a hash on each line, and installs nothing.
CONTROL_LINE: Final = f"{CONTROL}=={CONTROL_VERSION} --hash=sha256:{'0' * 64}"


def packages_of(lock: Path) -> dict[str, str]:
    """Version by normalised name of what a lock names, whatever machine each is for."""
    return {
        canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==")
        for requirement in _requirements(lock)
    }


def _requirements(lock: Path) -> Iterator[Requirement]:
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith((" ", "#")):
            yield Requirement(line.removesuffix("\\").strip())


def audit(lock: Path) -> Answer:
    """Ask about every package of a lock and about the control. Raises CouldNotLook."""
    with tempfile.TemporaryDirectory() as scratch:
        question = Path(scratch) / "requirements.txt"
        question.write_text(_without_markers(lock) + CONTROL_LINE + "\n", encoding="utf-8")
        printed = run(
            [
                tool("pip-audit"),
                *("--requirement", str(question), "--require-hashes", "--disable-pip"),
                *("--vulnerability-service", "osv", "--timeout", str(REQUEST_SECONDS)),
                *("--format", "json", "--progress-spinner", "off", "--cache-dir", scratch),
            ],
            timeout_seconds=AUDIT_SECONDS,
        )
    name = str(lock.relative_to(ROOT)) if lock.is_relative_to(ROOT) else lock.name
    return read(name, printed, packages_of(lock))


def read(name: str, printed: str, packages: dict[str, str]) -> Answer:
    """What pip-audit's JSON says of a lock with these packages. Raises CouldNotLook."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(printed)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        raise CouldNotLook(f"pip-audit printed no report: {printed.strip()[:80]}") from error
    answered = [dependency for dependency in dependencies if "skip_reason" not in dependency]
    found = [
        Advisory(canonicalize_name(dependency["name"]), dependency["version"], (vuln["id"], *vuln["aliases"]))
        for dependency in answered
        for vuln in dependency["vulns"]
    ]
    names = {canonicalize_name(dependency["name"]) for dependency in answered}
    return checked(name, asked={*packages, CONTROL}, answered=names, found=found, control=CONTROL)


def _without_markers(lock: Path) -> str:
    """The lock for every machine: pip-audit leaves out what a marker excludes on this one."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return "".join(f"{line.partition(' ; ')[0]} \\\n" if " ; " in line else f"{line}\n" for line in lines)
