"""The zip file of a service's functions: built without Docker, without network, and the same wherever it is built.

A bundle holds the service's own package, the shared packages below it, and the locked dependencies, common ones and
those of the service alone, all byte-compiled for the path where Lambda unpacks them. Byte code is what makes it start
quickly: Lambda cannot write any, and the zip dates every file 1980, so only byte code that is never checked against its
source (`unchecked-hash`) is used.

Building takes a few seconds the first time and is cached in `.cache/bundles` by the hash of everything that goes in.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdk_app.constructs import trimming, wheelhouse
from cdk_app.constructs.wheelhouse import PYTHON_VERSION, ROOT, Platform

CACHE: Final = ROOT / ".cache" / "bundles"
RUNTIME_AWS_SERVICES: Final = frozenset({"dynamodb", "sqs", "secretsmanager"})  # what `lambda_src.runtime` calls
SHARED_SOURCES: Final = ("__init__.py", "errors.py", "signing.py", "dynamo", "runtime", "services/__init__.py")
SHIPPED: Final = ("*.py", "documents/*.md")  # of a service: its code, and texts that it shows
RUNTIME_FOLDER: Final = "/var/task"  # where Lambda unpacks the zip
KEPT_BUNDLES: Final = 8  # per service and platform, so that going back and forth between branches stays quick
ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: builds of one commit are the same bytes
COMPILE_TIMEOUT_SECONDS: Final = 300


class WrongPython(RuntimeError):
    """The interpreter cannot write byte code for the Lambda runtime."""


@dataclass(frozen=True, slots=True)
class BundleContents:
    """What the bundle of a service is made from: its package, and the locked dependencies without what it never reads.

    package: below `lambda_src.services`; a `requirements.txt` in it is the lock of what no other service needs.
    aws_services: those its functions call, as botocore names them.
    """

    package: str
    aws_services: frozenset[str] = RUNTIME_AWS_SERVICES

    def handler(self, module: str) -> "Handler":
        """The handler in a module of the package, for example `api`."""
        return Handler(self, module)


@dataclass(frozen=True, slots=True)
class Handler:
    """Which function of which bundle Lambda calls."""

    contents: BundleContents
    module: str

    @property
    def path(self) -> str:
        """As Lambda is told."""
        return f"lambda_src.services.{self.contents.package}.{self.module}.handler"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A zip file for Lambda.

    content_hash: of all that goes in (lock, recipe, platform, sources) rather than of the zip, whose bytes depend on
    the zlib at hand: one commit has one hash on every machine.
    """

    path: Path
    content_hash: str


def bundle_service(contents: BundleContents, target: Platform) -> Bundle:
    """The bundle of one service for one platform, built when its content changed.

    Raises WheelhouseMissing when wheels are neither here nor to be had, WrongPython under another minor version.
    """
    if sys.version_info[:2] != PYTHON_VERSION:
        wanted = ".".join(map(str, PYTHON_VERSION))
        raise WrongPython(f"Bundles hold byte code of Python {wanted}; install it with: uv python install {wanted}")
    package = contents.package
    dependencies = [trimmed(target, lock, contents.aws_services) for lock in wheelhouse.locks_of(package)]
    sources = list(_sources(package))
    digest = hashlib.sha256(" ".join(folder.name for folder in dependencies).encode())
    for name, path in sources:
        digest.update(f"\0{name}\0".encode())
        digest.update(path.read_bytes())
    content_hash = digest.hexdigest()
    archive = CACHE / f"{package}-{target.name}-{content_hash[:16]}.zip"
    if not archive.is_file():
        _forget_old(f"{package}-{target.name}-*.zip")
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="partial-") as scratch:
            _build(Path(scratch), dependencies=dependencies, sources=sources, archive=archive)
    return Bundle(archive, content_hash)


def trimmed(target: Platform, lock: Path | None = None, aws_services: frozenset[str] = RUNTIME_AWS_SERVICES) -> Path:
    """Folder of a platform's dependencies, trimmed and compiled.

    Made once for each lock, recipe and set of AWS services; those of older locks and recipes are removed. lock: None is
    the common one.
    """
    wheels = wheelhouse.unpacked(target, lock)
    recipe = hashlib.sha256(Path(trimming.__file__).read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    called = hashlib.sha256(" ".join(sorted(aws_services)).encode()).hexdigest()[:8]
    folder = CACHE / f"dependencies-{wheels.name}-{recipe}-{called}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    current = {wheelhouse.location(target, each).name for each in wheelhouse.all_locks()}
    for old in list(CACHE.glob(f"dependencies-{target.name}-*")):
        if old.name.rpartition("-")[0] not in {f"dependencies-{name}-{recipe}" for name in current}:
            shutil.rmtree(old, ignore_errors=True)  # another process may be at it, too
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="partial-") as scratch:
        partial = Path(scratch) / "site-packages"
        shutil.copytree(wheels, partial)
        trimming.trim(partial, aws_services)
        compile_folder(partial)
        wheelhouse.publish(partial, folder)
    return folder


def _sources(package: str) -> Iterator[tuple[str, Path]]:
    """Name in the bundle and path of every source file of a service, in a stable order."""
    top = ROOT / "lambda_src"
    for part in (*SHARED_SOURCES, f"services/{package}"):
        path = top / part
        files = [path] if path.is_file() else sorted(file for kind in SHIPPED for file in path.rglob(kind))
        for file in files:
            yield file.relative_to(ROOT).as_posix(), file


def _build(scratch: Path, *, dependencies: list[Path], sources: list[tuple[str, Path]], archive: Path) -> None:
    """Compile the sources in a scratch folder and write them and the dependencies into one zip."""
    folder, partial = scratch / "sources", scratch / "bundle.zip"
    for name, path in sources:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    compile_folder(folder)
    write_zip(partial, [folder, *dependencies])
    wheelhouse.publish(partial, archive)


def compile_folder(folder: Path) -> None:
    """Write the byte code of a folder as Lambda will import it.

    In one process of its own, with hashing fixed: what else an interpreter has in memory can show in its byte code.
    """
    command = [sys.executable, "-I", "-m", "compileall", "-q", "-f", "-j", "1"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", RUNTIME_FOLDER, str(folder)]
    environment = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
    subprocess.run(command, check=True, timeout=COMPILE_TIMEOUT_SECONDS, env=environment)  # noqa: S603


def write_zip(archive: Path, folders: list[Path]) -> None:
    """Zip the files of some folders: sorted, dated 1980, readable by all, so that equal files give equal zips."""
    files = {
        path.relative_to(folder).as_posix(): path for folder in folders for path in folder.rglob("*") if path.is_file()
    }
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every machine: Lambda reads the mode below
            entry.external_attr = 0o100644 << 16
            bundle.writestr(entry, files[name].read_bytes())


def _forget_old(pattern: str) -> None:
    """Remove all but the newest bundles of one kind; every edit of a source makes a new one of 10 MB."""
    newest_first = sorted(CACHE.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[KEPT_BUNDLES - 1 :]:
        path.unlink(missing_ok=True)
