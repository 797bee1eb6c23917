"""A digest of the code that decides what a snapshot holds, so that none is used that other code took."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from lambda_src.migration.mapping import ServiceMapping

_ROOT: Final = Path(__file__).parents[2]
_ALWAYS: Final = (
    "errors.py",
    "dynamo/*.py",
    "migration/content.py",
    "migration/derive.py",
    "migration/instants.py",
    "migration/mapping.py",
    "migration/snapshot.py",
    "migration/source/*.py",
    "runtime/clock.py",
)


def mapping_version(mapping: ServiceMapping) -> str:
    """32 hexadecimal digits: of the engine's code, the mapping's, that of the rules of its service, and its variant."""
    digest = blake2b(mapping.variant.encode(), digest_size=16)
    for path in _files(mapping.service):
        digest.update(f"\0{path.relative_to(_ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(service: str) -> Iterator[Path]:
    mapping = (f"migration/mappings/{service}.py", f"migration/mappings/{service}/**/*.py")
    for pattern in (*_ALWAYS, *mapping, f"services/{service}/**/*.py"):
        yield from sorted(_ROOT.glob(pattern))
