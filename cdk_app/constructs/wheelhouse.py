"""The locked dependencies of the functions, unpacked once per platform.

    python -m cdk_app.constructs.wheelhouse          fills it; needs the network, part of set-up

Synthesis fills what is missing by itself, and says so. uv installs a lock with its hashes into
`.wheelhouse/<platform>-<lock>/`: `lambda_src/requirements.txt`, which every function stands on, and `requirements.txt`
of each service that needs more. The name holds the digest of the lock: a changed lock is a missing wheelhouse rather
than an old one used by mistake.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK: Final = ROOT / "lambda_src" / "requirements.txt"
SERVICES: Final = ROOT / "lambda_src" / "services"
FILL_COMMAND: Final = "python -m cdk_app.constructs.wheelhouse"
PYTHON_VERSION: Final = (3, 13)  # of the Lambda runtime; byte code is only valid for exactly this minor version
INSTALL_TIMEOUT_SECONDS: Final = 300


class WheelhouseMissing(RuntimeError):
    """The dependencies of a platform are not on this machine, and could not be fetched."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a bundle will run. uv_name: uv's name of the platform, or None for the machine we are on."""

    name: str
    uv_name: str | None


# Lambda's image of Python 3.13 is Amazon Linux 2023 with glibc 2.34; not every package has wheels for older ones.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
LAMBDA_ARM64: Final = Platform("aarch64-manylinux_2_28", uv_name="aarch64-manylinux_2_28")
HOST: Final = Platform(f"host-{platform.system()}-{platform.machine()}".lower(), uv_name=None)


def locks_of(package: str) -> tuple[Path, ...]:
    """The locks that the bundle of a service is made from: the common one, and the service's own if it has one."""
    own = SERVICES / package / LOCK.name
    return (LOCK, own) if own.is_file() else (LOCK,)


def all_locks() -> tuple[Path, ...]:
    """The common lock and those of all services."""
    return (LOCK, *sorted(SERVICES.glob(f"*/{LOCK.name}")))


def location(target: Platform, lock: Path | None = None) -> Path:
    """Folder that holds, or will hold, the unpacked dependencies of a lock as it is now. None: the common lock."""
    digest = hashlib.sha256((lock or LOCK).read_bytes()).hexdigest()[:16]
    return ROOT / ".wheelhouse" / f"{target.name}-{digest}"


def unpacked(target: Platform, lock: Path | None = None) -> Path:
    """Folder of the unpacked dependencies, filled now if it is not there.

    Raises WheelhouseMissing, with the command that tries it again, when that does not succeed.
    """
    folder = location(target, lock)
    if folder.is_dir():
        return folder
    sys.stderr.write(f"Unpacking {(lock or LOCK).relative_to(ROOT)} for {target.name}, once\n")
    try:
        return fill(target, lock)
    except (subprocess.SubprocessError, OSError) as exc:
        raise WheelhouseMissing(
            f"The locked dependencies for {target.name} cannot be fetched. Once there is a network, or to see what is "
            f"wrong, run: {FILL_COMMAND}"
        ) from exc


def fill(target: Platform, lock: Path | None = None) -> Path:
    """Unpack the locked dependencies for a platform, once; those of locks that are no more are removed.

    Downloads unless uv has the wheels cached. The folder appears complete or not at all. Raises CalledProcessError
    when uv cannot install a wheel.
    """
    folder = location(target, lock)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(exist_ok=True)
    for old in set(folder.parent.glob(f"{target.name}-*")) - {location(target, each) for each in all_locks()}:
        shutil.rmtree(old, ignore_errors=True)  # another process may be at it, too
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="partial-") as scratch:
        partial = Path(scratch) / folder.name
        command = install_command(target, partial, lock)
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_SECONDS)  # noqa: S603
        publish(partial, folder)
    return folder


def publish(partial: Path, final: Path) -> None:
    """Move what is complete to its place. Another process may have been quicker; what it made is the same."""
    try:
        partial.rename(final)
    except OSError:
        if not final.exists():
            raise


def install_command(target: Platform, folder: Path, lock: Path | None = None) -> Sequence[str]:
    """The uv command that installs exactly the locked wheels into a folder, for a platform that need not be ours."""
    # A company's certificates are known to the system; pip asks there by itself, uv when told.
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--system-certs", "--python", sys.executable]
    command += ["--target", str(folder), "--requirement", str(lock or LOCK)]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy"]
    if target.uv_name is not None:
        version = ".".join(map(str, PYTHON_VERSION))
        command += ["--python-platform", target.uv_name, "--python-version", version]
    return command


def main() -> None:
    """Fill the wheelhouse for Lambda and for this machine, and say where it is, or what uv says."""
    for lock in all_locks():
        for target in (LAMBDA_ARM64, HOST):
            try:
                sys.stdout.write(f"{target.name}: {fill(target, lock).relative_to(ROOT)}\n")
            except subprocess.CalledProcessError as error:
                sys.exit(error.stderr)
            except subprocess.TimeoutExpired as error:
                sys.exit(f"uv did not end within {error.timeout:.0f} s")


if __name__ == "__main__":
    main()
