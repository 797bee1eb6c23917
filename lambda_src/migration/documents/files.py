"""The files in which data travels: JSON arrays with one entry a line, and a manifest that vouches for them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import ijson  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambda_src.migration.documents.errors import BadDocument
from lambda_src.migration.drafts import Draft
from lambda_src.migration.mapping import Column, Row, SourceTable

MANIFEST: Final = "export_manifest.json"
ID_MAPPING: Final = "id_mapping.json"
REJECTS: Final = "rejects.jsonl"
REPORT: Final = "import_report.json"

_ENTRIES_PER_STEP: Final = 1_000  # of a progress bar
_INTEGERS: Final = range(-(2**63), 2**63)  # what PostgreSQL and SQLite hold


def array_name(table: str) -> str:
    """The file with the rows of a table."""
    return f"{table}_export.json"


class Part(BaseModel):
    """What the manifest says of one array. sha256: of the file, in hex. max_id: 0 when the array is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    count: int = Field(ge=0)
    max_id: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """The whole of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    exported_at: str
    neighborhoods: Part
    memberships: Part

    def part(self, table: str) -> Part:
        """What it says of the rows of a table."""
        return {"neighborhoods": self.neighborhoods, "memberships": self.memberships}[table]


# ---- writing -------------------------------------------------------------------------------------------------------


def write_array(draft: Draft, name: str, entries: Iterable[Mapping[str, Any]]) -> Part:
    """A JSON array of objects, one a line. Each has an `id`."""
    ids: list[int] = []  # how many, and the greatest

    def counted() -> Iterator[Mapping[str, Any]]:
        for entry in entries:
            ids[:] = [ids[0] + 1, max(ids[1], entry["id"])] if ids else [1, entry["id"]]
            yield entry

    sha256 = draft.array(name, counted())
    count, max_id = ids or (0, 0)
    return Part(count=count, max_id=max_id, sha256=sha256)


# ---- reading -------------------------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder whose arrays are what it says they are. Raises BadDocument."""
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as exc:
        raise BadDocument(f"{path} is missing: export first, or name the folder of an export") from exc
    except ValidationError as exc:
        raise BadDocument(f"{path} is no manifest of an export: {exc.errors()[0]['msg']}") from exc
    for table in ("neighborhoods", "memberships"):
        _check_sha256(folder / array_name(table), manifest.part(table).sha256)
    return manifest


def entries(
    folder: Path, source: SourceTable, part: Part, *, on_entries: Callable[[int], None] = lambda _: None
) -> Iterator[Row]:
    """The rows of an array, each with exactly the columns of its table. Raises BadDocument. Holds one in memory."""
    path = folder / array_name(source.name)
    count = 0
    with path.open("rb") as file:
        try:
            for count, entry in enumerate(ijson.items(file, "item"), start=1):
                yield _row(source, entry)
                if count % _ENTRIES_PER_STEP == 0:
                    on_entries(_ENTRIES_PER_STEP)
        except (ijson.JSONError, ValueError) as exc:
            raise BadDocument(f"{path}, entry {count}: {exc}") from exc
    on_entries(count % _ENTRIES_PER_STEP)
    if count != part.count:
        raise BadDocument(f"{path} has {count:,} entries where {MANIFEST} says {part.count:,}: export again")


def read_object(path: Path) -> dict[str, str]:
    """A JSON object of texts. Raises BadDocument."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise BadDocument(f"{path} is missing") from exc
    except ValueError as exc:
        raise BadDocument(f"{path} is no JSON: {exc}") from exc
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BadDocument(f"{path} is no object of texts")
    return found


def _check_sha256(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as exc:
        raise BadDocument(f"{path} is missing") from exc
    if found != expected:
        raise BadDocument(f"{path} was changed or cut off since {MANIFEST} was written: export again")


def _row(source: SourceTable, entry: object) -> Row:
    """Raises ValueError."""
    if not isinstance(entry, dict) or entry.keys() != {column.name for column in source.columns}:
        names = ", ".join(column.name for column in source.columns)
        raise ValueError(f"it is no object with exactly {names}")
    for column in source.columns:
        _check(column, entry[column.name], is_key=column.name in source.key)
    return {column.name: entry[column.name] for column in source.columns}


def _check(column: Column, value: object, *, is_key: bool) -> None:
    if value is None:
        if is_key:
            raise ValueError(f"{column.name} is null")
    elif column.kind == "integer":
        if type(value) is not int or value not in _INTEGERS:  # a bool is an int, too
            raise ValueError(f"{column.name} is no integer of 64 bits")
    elif not isinstance(value, str):
        raise ValueError(f"{column.name} is no text")
