"""Rows in a folder of JSON documents: an array for each table, one entry a line, and a manifest that vouches for them.

<table>_export.json    [{"id":1,...}, ...], with exactly the columns of the table
export_manifest.json   {"format":1, "exported_at":"...", "<table>":{"count":1,"max_id":1,"sha256":"..."}, ...}
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import ijson  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from lambda_src.migration.drafts import Draft
from lambda_src.migration.errors import DIFFERENCES, NOT_READ, ROWS_REJECTED, USAGE, BadDocument
from lambda_src.migration.mapping import Column, Row, ServiceMapping, SourceTable
from lambda_src.migration.snapshot import INTEGERS
from lambda_src.migration.source.findings import SourceReport
from lambda_src.migration.source.kind import OnRows, Source, taking
from lambda_src.migration.source.version import mapping_version

MANIFEST: Final = "export_manifest.json"
EXIT_CODES: Final[Mapping[int, int]] = {DIFFERENCES: 1, ROWS_REJECTED: 2, USAGE: 3, NOT_READ: 3}
"""Of phases on documents, by those of the engine: whatever prevents a run is 3."""

_ENTRIES_PER_STEP: Final = 1_000  # of a progress bar


def array_name(table: str) -> str:
    """The file with the rows of a table."""
    return f"{table}_export.json"


class Part(BaseModel):
    """What the manifest says of one array. sha256: of the file, in hex. max_id: 0 when the array is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    count: int = Field(ge=0)
    max_id: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    exported_at: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole of the manifest. parts: by table."""

    exported_at: str
    parts: Mapping[str, Part]


class Documents(Source):
    """An export in a folder. Raises BadDocument when a file is missing or is not what the manifest says."""

    is_fixed = True

    def __init__(self, folder: Path, mapping: ServiceMapping) -> None:
        self._mapping = mapping
        self.folder: Path = folder
        self.manifest = read_manifest(folder, mapping)
        self.total = sum(part.count for part in self.manifest.parts.values())

    def examine(self) -> SourceReport:
        """What the manifest says; the entries themselves are looked at when they are read."""
        server = {"documents": str(self.folder), "exported at": self.manifest.exported_at}
        return SourceReport(server, (), {}, {table: part.count for table, part in self.manifest.parts.items()})

    def take(self, path: Path, *, on_rows: OnRows) -> None:
        """Read the rows into a finished snapshot. Raises BadDocument, and leaves no file then."""
        with taking(path, self._mapping) as snapshot:
            for source in self._mapping.sources:
                part = self.manifest.parts[source.name]
                snapshot.load(source, entries(self.folder, source, part, on_entries=on_rows))
            snapshot.finish(taken_at=self.manifest.exported_at, mapping_version=mapping_version(self._mapping))


# ---- writing -------------------------------------------------------------------------------------------------------


def write_documents(
    draft: Draft, mapping: ServiceMapping, rows_of: Callable[[SourceTable], Iterable[Row]], *, exported_at: str
) -> Manifest:
    """Write the arrays, and the manifest last. rows_of: each row has at least the columns of its table."""
    parts = {source.name: _write_array(draft, source, rows_of(source)) for source in mapping.sources}
    head = _Head(exported_at=exported_at).model_dump()
    draft.object(MANIFEST, (head | {table: part.model_dump() for table, part in parts.items()}).items())
    return Manifest(exported_at, parts)


def _write_array(draft: Draft, source: SourceTable, rows: Iterable[Mapping[str, Any]]) -> Part:
    names = [column.name for column in source.columns]
    ids: list[int] = []  # how many, and the greatest

    def counted() -> Iterator[Mapping[str, Any]]:
        for row in rows:
            ids[:] = [ids[0] + 1, max(ids[1], row["id"])] if ids else [1, row["id"]]
            yield {name: row[name] for name in names}

    sha256 = draft.array(array_name(source.name), counted())
    count, max_id = ids or (0, 0)
    return Part(count=count, max_id=max_id, sha256=sha256)


# ---- reading -------------------------------------------------------------------------------------------------------


def read_manifest(folder: Path, mapping: ServiceMapping) -> Manifest:
    """The manifest of a folder whose arrays are what it says they are. Raises BadDocument."""
    path = folder / MANIFEST
    tables = [source.name for source in mapping.sources]
    fields: dict[str, Any] = dict.fromkeys(tables, (Part, ...))
    try:
        found = create_model("_Manifest", __base__=_Head, **fields).model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise BadDocument(f"{path} is missing: export first, or name the folder of an export") from exc
    except ValidationError as exc:
        raise BadDocument(f"{path} is no manifest of an export: {exc.errors()[0]['msg']}") from exc
    manifest = Manifest(found.exported_at, {table: getattr(found, table) for table in tables})
    for table, part in manifest.parts.items():
        _check_sha256(folder / array_name(table), part.sha256)
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
        if type(value) is not int or value not in INTEGERS:  # a bool is an int, too
            raise ValueError(f"{column.name} is no integer of 64 bits")
    elif not isinstance(value, str):
        raise ValueError(f"{column.name} is no text")
