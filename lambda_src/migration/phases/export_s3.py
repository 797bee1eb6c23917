"""export-s3: the same items as files for DynamoDB's own import, which loads them with AWS's machines instead of ours.

Each line of a shard is `{"Item": {...}}` in DynamoDB JSON, each shard is compressed with gzip:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html
An import makes a new table; the stack takes it over by its name, as after a restore.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import Table
from lambda_src.migration.content import WireItem
from lambda_src.migration.derive import derive
from lambda_src.migration.drafts import Draft, private_folder
from lambda_src.migration.phases.deciding import refuse_undecided
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot

MANIFEST: Final = "manifest.json"
_ENDING: Final = ".json.gz"
_ITEMS_PER_SHARD: Final = 100_000  # some 10 MB of gzip; an import reads shards side by side, 50,000 at most:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Validation.html


@dataclass(frozen=True, slots=True)
class Shard:
    """One file. sha256: of the file as it is, compressed."""

    table: str
    file: str
    items: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. commands: what loads it, one per table."""

    folder: Path
    shards: tuple[Shard, ...]
    source_digest: str
    commands: tuple[str, ...]

    @property
    def items(self) -> int:
        return sum(shard.items for shard in self.shards)


def export_s3(job: Job, folder: Path, *, bucket: str = "BUCKET", items_per_shard: int = _ITEMS_PER_SHARD) -> Exported:
    """Write shards, one `*.table.json` per table with what `import-table` creates, and the manifest, in this order.

    What an earlier export left in the folder goes first: an import takes every shard it finds.

    Raises BadUsage for a folder that is a file; SourceFailed; MigrationError for rejects that need a decision first.
    Asks DynamoDB nothing.
    """
    private_folder(folder)
    with job.fresh_snapshot() as snapshot:
        refuse_undecided(job, snapshot)
        _remove_earlier(folder, job)
        shards = tuple(_shards(job, snapshot, folder, items_per_shard))
        digest = snapshot.summary().digest
    paths = {table: folder / f"{table.name}.table.json" for table in job.place.tables()}
    commands = tuple(_command(job, table, path, bucket) for table, path in paths.items())
    exported = Exported(folder, shards, digest, commands)
    manifest = {
        "format": 1,
        "service": job.mapping.service,
        "source_digest": digest,
        "items": exported.items,
        "shards": [asdict(shard) for shard in shards],
    }
    with Draft(folder) as draft:
        for table, path in paths.items():
            draft.text(path.name, [_page(_parameters(job, table))])
        draft.text(MANIFEST, [_page(manifest)])
    return exported


def _remove_earlier(folder: Path, job: Job) -> None:
    (folder / MANIFEST).unlink(missing_ok=True)
    for table in job.place.tables():
        for path in folder.glob(f"{table.name}-*{_ENDING}"):
            path.unlink()


class _Writer:
    """The shards of one table, one after the other. The same items give the same bytes."""

    def __init__(self, table: Table, folder: Path, limit: int) -> None:
        self._table = table
        self._folder = folder
        self._limit = limit
        self._number = 0
        self._items = 0
        self._open = ExitStack()
        self._file: gzip.GzipFile | None = None
        self._path = folder

    def add(self, item: WireItem) -> Iterator[Shard]:
        """Write an item, and give the shard that it made full."""
        if self._file is None:
            self._path = self._folder / f"{self._table.name}-{self._number:05d}{_ENDING}"
            self._path.touch(mode=0o600)
            raw = self._open.enter_context(self._path.open("wb"))
            self._file = self._open.enter_context(gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0))
        assert self._file is not None
        self._file.write(json.dumps({"Item": item}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        self._items += 1
        if self._items == self._limit:
            yield from self.close()

    def close(self) -> Iterator[Shard]:
        """Finish the shard that was begun, if any."""
        if self._file is None:
            return
        self._open.close()
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield Shard(self._table.name, self._path.name, self._items, digest)
        self._file, self._items, self._number = None, 0, self._number + 1


def _shards(job: Job, snapshot: Snapshot, folder: Path, limit: int) -> Iterator[Shard]:
    writers = {table.name: _Writer(table, folder, limit) for table in job.place.tables()}
    with job.progress.step("Writing shards") as advance:
        for answer in derive(snapshot, job.mapping, job.place.migration_id):
            for table, item in answer.items:
                yield from writers[table.name].add(item)
            advance(len(answer.items))
    for writer in writers.values():
        yield from writer.close()


def _page(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def _command(job: Job, table: Table, parameters: Path, bucket: str) -> str:
    """The command that loads a table. parameters: the file that says what table to make."""
    return (
        "aws dynamodb import-table --input-format DYNAMODB_JSON --input-compression-type GZIP "
        f"--s3-bucket-source S3Bucket={bucket},S3KeyPrefix={job.mapping.service}/{table.name}- "
        f"--table-creation-parameters file://{parameters}"
    )


def _parameters(job: Job, table: Table) -> Mapping[str, Any]:
    """`TableCreationParameters`: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html"""
    made = create_table_input(table, f"{job.place.caller.physical_name(table)}-imported")
    known = ("TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    encryption = {"Enabled": True, "SSEType": "KMS"}  # as the stack has it
    return {**{name: made[name] for name in known if name in made}, "SSESpecification": encryption}
