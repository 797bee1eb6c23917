"""What a bundle leaves out of its dependencies, and why that is safe.

Most of botocore is data of some 400 AWS services we never call, and a third of what remains is documentation. Smaller
means quicker to download and to load: a trimmed, byte-compiled bundle starts in about a quarter of the time.
"""

import gzip
import json
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

BOTOCORE_SHARED_DATA: Final = frozenset(
    {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
)
CLIENT_SETTINGS: Final = "clientContextParams"
UNUSED_SERVICE_FILES: Final = ("examples-1.json", "waiters-2.json")
UNUSED_UTILITIES: Final = (
    *("auth_alpha", "batch", "circuit_breaker", "data_classes", "data_masking", "feature_flags", "idempotency"),
    *("kafka", "parser", "streaming", "validation"),
)
UNUSED_PARTS: Final = (  # each has to be there where the package it belongs to is
    "aws_lambda_powertools/event_handler",  # of Powertools we use logging, metrics and parameters
    *(f"aws_lambda_powertools/utilities/{name}" for name in UNUSED_UTILITIES),
    "boto3/data",  # resources, where all code uses clients
    "dateutil/zoneinfo",  # time zones, which Python has itself
    "botocore/cacert.pem",  # roots that certifi, kept for httpx, has too
    "pydantic/v1",  # FastAPI loads it only to refuse its models, and does without where it is absent
)
UNUSED_PACKAGES: Final = (
    *("cffi", "pycparser"),  # they make bindings; those of cryptography and argon2 are made, and need _cffi_backend
    "dns",  # with it email-validator asks whether a domain takes mail, which nobody wants to know
)
INSTALLER_RECORDS: Final = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "top_level.txt"})
METADATA_KEPT: Final = ("Metadata-Version:", "Name:", "Version:")
# Roots of every AWS endpoint, https://www.amazontrust.com/repository/. Loading these five instead of all of
# certifi's saves about 60 ms of each cold start.
AMAZON_ROOTS: Final = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
AMAZON_ROOTS_FILE: Final = "amazon_roots.pem"


class UnexpectedPackage(RuntimeError):
    """A dependency no longer looks the way this module knows it."""


def trim(site_packages: Path, aws_services: Collection[str]) -> None:
    """Remove from the unpacked dependencies of a lock, in place, what no function reads.

    aws_services: those that functions call, as botocore names them. Beside certifi, if it is among the packages, it
    writes the file of Amazon's roots. Raises UnexpectedPackage when a package is laid out differently than its last
    version was.
    """
    _remove(path for path in site_packages.iterdir() if path.name in {"bin", ".lock", *UNUSED_PACKAGES})
    for part in UNUSED_PARTS:
        if not (site_packages / part.partition("/")[0]).exists():
            continue
        if not (site_packages / part).exists():
            raise UnexpectedPackage(f"{part} is not there any more")
        _remove([site_packages / part])
    _remove(path for path in site_packages.rglob("*") if path.suffix == ".pyi" or path.name == "py.typed")
    for dist_info in site_packages.glob("*.dist-info"):
        _trim_dist_info(dist_info)
    if (site_packages / "botocore").exists():
        _trim_botocore(site_packages / "botocore", frozenset(aws_services))
    all_roots = site_packages / "certifi" / "cacert.pem"
    if all_roots.exists():
        roots = amazon_roots(all_roots.read_text(encoding="utf-8"))
        (site_packages / AMAZON_ROOTS_FILE).write_text(roots, encoding="utf-8")


def amazon_roots(all_roots: str) -> str:
    """Amazon's certificates out of certifi's file. Raises UnexpectedPackage when one of them is not there."""
    found = []
    for name in AMAZON_ROOTS:
        _, label, rest = all_roots.partition(f'# Label: "{name}"\n')
        _, begin, certificate = rest.partition("-----BEGIN CERTIFICATE-----\n")
        body, end, _ = certificate.partition("-----END CERTIFICATE-----\n")
        if not (label and begin and end):
            raise UnexpectedPackage(f"certifi no longer holds {name!r}")
        found.append(f"# {name}\n{begin}{body}{end}")
    return "\n".join(found)


def _trim_dist_info(dist_info: Path) -> None:
    """Keep name, version, entry points and licences: what `importlib.metadata` and courtesy ask for."""
    _remove(path for path in dist_info.iterdir() if path.name in INSTALLER_RECORDS or path.name == "sboms")
    metadata = dist_info / "METADATA"
    headers = metadata.read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    kept = [line for line in headers if line.startswith(METADATA_KEPT)]
    metadata.write_text("\n".join(kept) + "\n", encoding="utf-8")


def _trim_botocore(botocore: Path, aws_services: frozenset[str]) -> None:
    """Keep the services we call, without documentation, and their endpoints."""
    data = botocore / "data"
    _remove(path for path in data.iterdir() if path.name not in aws_services | BOTOCORE_SHARED_DATA)
    for service in sorted(aws_services):
        versions = sorted((data / service).iterdir())
        if not versions:
            raise UnexpectedPackage(f"botocore no longer describes {service}")
        _remove(versions[:-1])
        _remove(versions[-1] / name for name in UNUSED_SERVICE_FILES if (versions[-1] / name).exists())
        for packed in sorted(versions[-1].glob("*.json.gz")):
            description = json.loads(gzip.decompress(packed.read_bytes()))
            _write_json(packed.with_suffix(""), _without_documentation(description))
            packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: value for name, value in partition["services"].items() if name in aws_services}
    _write_json(data / "endpoints.json", endpoints)


def _without_documentation(value: Any) -> Any:
    """The same JSON without its documentation texts. A structure member that happens to have that name stays.

    So do the few words about settings of a client, as S3 has them: botocore asks for these at the first request.
    """
    if isinstance(value, dict):
        return {
            key: part if key == CLIENT_SETTINGS else _without_documentation(part)
            for key, part in value.items()
            if not (key == "documentation" and isinstance(part, str))
        }
    if isinstance(value, list):
        return [_without_documentation(part) for part in value]
    return value


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
