"""audio-files: the audio of migrated files, from a folder or from S3, into the bucket, and where it is into the table.

It goes on where it was when it is run again: an object has the same key each time, one of the right size is not sent
again, and a file that says where its audio is, is done.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol
from unicodedata import normalize
from uuid import NAMESPACE_URL, uuid5

import typer

from lambda_src.dynamo.conditions import Attr
from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.updates import Update
from lambda_src.dynamo.values import Item, from_item, to_item
from lambda_src.errors import AppError
from lambda_src.migration.content import WireItem, is_untouched, marked, unmarked
from lambda_src.migration.drafts import Draft
from lambda_src.migration.errors import DIFFERENCES, DONE, BadUsage, MigrationError, Refused
from lambda_src.migration.mappings.yoto_smart_stream.cloud import AUDIO_BUCKET, physical_id
from lambda_src.migration.phases.job import Job
from lambda_src.migration.report import Report
from lambda_src.migration.target.place import Place, key_text
from lambda_src.migration.target.scan import pages
from lambda_src.migration.target.state import Hold
from lambda_src.runtime.objects import ObjectClient, ObjectMissing, ObjectTooLarge
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord
from lambda_src.services.yoto_smart_stream.names import extension_of
from lambda_src.services.yoto_smart_stream.tables import AUDIO, MAIN, MEDIA

type Outcome = Literal["sent", "was there", "missing", "too large", "changed meanwhile"]

LEFT: Final = "audio_left.jsonl"
MAX_BYTES: Final = 1024**3  # one file is in memory at a time
_MAX_NAMES: Final = 1_000_000
_SHOWN: Final = 20
_S3: Final = "s3://"
_NAMESPACE: Final = uuid5(NAMESPACE_URL, "yoto-smart-stream/audio")


class Store(Protocol):
    """Where the audio is. Names are NFC without white space around them, as files are called here."""

    def size_of(self, name: str) -> int | None:
        """In bytes; None where there is no such file."""

    def read(self, name: str) -> bytes:
        """Raises MigrationError, OSError."""


def audio_files_phase(
    job: Job,
    title: str,
    *,
    from_: Annotated[str, typer.Option("--from", help="A folder, or s3://bucket/prefix, that has the files by name")],
) -> tuple[Report, int]:
    """Put the audio of files into the bucket and say in the table where it is. Needs a copy; may be run again."""
    state = job.journal.read()
    if state is None or state.status in ("copying", "removing"):
        raise Refused("The copy is not complete: run `copy` first, until it is")
    bucket = ObjectClient(physical_id(AUDIO_BUCKET, job.environment))
    done = move_audio(job, audio_in(from_), bucket)
    report = Report(title)
    report.facts(
        "Files",
        {
            **{str(name): count for name, count in done.counts.items()},
            "whose size is another than their row says": done.of_other_size,
        },
    )
    lines = [(outcome, name) for name, outcome in done.left.items()][:_SHOWN]
    report.table("Without audio", ("Because", "File"), lines, text=f"All of them are in {job.folder / LEFT}.")
    report.verdict = f"{done.counts['sent'] + done.counts['was there']:,} files have audio."
    if done.left:
        report.verdict += f" {len(done.left):,} have none: see {job.folder / LEFT}."
    return report, DIFFERENCES if done.left else DONE


def object_key_of(filename: str) -> str:
    """Where the audio of a file of the source is, always the same key."""
    return f"{MEDIA}/{uuid5(_NAMESPACE, filename).hex}.{extension_of(filename)}"


@dataclass(slots=True)
class AudioMoved:
    """Files by outcome, and those without audio now. of_other_size: how many are not as large as their row says."""

    counts: Counter[Outcome] = field(default_factory=Counter)
    left: dict[str, Outcome] = field(default_factory=dict)
    of_other_size: int = 0


def move_audio(job: Job, source: Store, bucket: ObjectClient) -> AudioMoved:
    """Bring over the audio of every file that has none here, one at a time.

    The table costs a Scan, and a write for each file; the bucket a HEAD and at most one PUT for each. Raises TakenOver
    when another run takes the migration over.
    """
    journal = job.journal
    state = journal.read()
    assert state is not None
    hold = Hold(journal, journal.begin(state))
    done = AudioMoved()
    with job.progress.step("Moving audio") as advance:
        for item in _files(job.place):
            file = AUDIO.model(from_item(item))
            if file.object_key is None:
                outcome = _move(job.place, source, bucket, item, file, hold, done)
            else:
                outcome = "was there"
            done.counts[outcome] += 1
            if outcome not in ("sent", "was there"):
                done.left[file.filename] = outcome
            advance(1)
    with Draft(job.folder) as draft:
        draft.lines(LEFT, ({"file": name, "because": outcome} for name, outcome in done.left.items()))
    is_to_be_verified = state.status == "verified" and done.counts["sent"]
    journal.keep(replace(state, status="copied") if is_to_be_verified else state)
    return done


def _files(place: Place) -> Iterator[WireItem]:
    for page in pages(place, MAIN):
        yield from (item for item in page if AUDIO.has_key(key_text(MAIN, item)))


def _move(
    place: Place,
    source: Store,
    bucket: ObjectClient,
    item: WireItem,
    file: AudioFileRecord,
    hold: Hold,
    done: AudioMoved,
) -> Outcome:
    size_bytes = source.size_of(file.filename)
    if size_bytes is None:
        return "missing"
    if size_bytes > MAX_BYTES:
        return "too large"
    key = object_key_of(file.filename)
    try:
        tag = _tag_of(bucket, key, size_bytes)
        if tag is None:
            tag = bucket.put(key, source.read(file.filename), content_type=file.content_type)
    except AppError as exc:
        raise MigrationError(f"{file.filename} was not moved: {exc}. Run this again, it goes on there") from exc
    done.of_other_size += size_bytes != file.size
    hold()
    try:
        _say_where(place, MAIN, item, key, tag)
    except ConditionFailed:
        now = place.items.get(MAIN, key_text(MAIN, item))
        if now is None or now.get("object_key") != key:  # else it was our own write, whose answer was lost
            return "changed meanwhile"
    return "sent"


def _tag_of(bucket: ObjectClient, key: str, size_bytes: int) -> str | None:
    """The tag of an object that a run before this one sent; None where it has to be sent."""
    try:
        found = bucket.head(key)
    except ObjectMissing:
        return None
    return found.tag if found.size_bytes == size_bytes else None


def _say_where(place: Place, table: Table, item: WireItem, key: str, tag: str) -> None:
    """Before the opening the item stays the migration's, with a new mark; after it, it is changed as by anybody."""
    place.budget.wait()
    if is_untouched(item, place.migration_id):
        seen: Item = from_item(item)
        wanted = to_item({**from_item(unmarked(item)), "object_key": key, "etag": tag})
        still = Attr("migration").eq(seen["migration"]) & Attr("object_key").not_exists()
        place.items.put(table, from_item(marked(wanted, place.migration_id)), condition=still)
    else:
        update = Update().set(object_key=key, etag=tag).add(version=1)
        there = Attr(table.partition).exists() & Attr("object_key").not_exists()
        place.items.update(table, key_text(table, item), update, condition=there)


# ---- where the audio is ----------------------------------------------------------------------------------------------


def audio_in(where: str) -> Store:
    """A folder, or objects below a prefix. Raises BadUsage."""
    if where.startswith(_S3):
        bucket, _, prefix = where.removeprefix(_S3).partition("/")
        if not bucket:
            raise BadUsage(f"--from {where} names no bucket: write s3://bucket/prefix")
        return Objects.below(ObjectClient(bucket), f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else "")
    folder = Path(where)
    if not folder.is_dir():
        raise BadUsage(f"--from {where} is no folder")
    return Folder.of(folder)


@dataclass(frozen=True, slots=True)
class Folder:
    """Files of a folder, by name; of those below it none."""

    paths: dict[str, Path]

    @classmethod
    def of(cls, folder: Path) -> "Folder":
        """Raises BadUsage for more than a million files."""
        paths: dict[str, Path] = {}
        for path in folder.iterdir():
            paths[_plain(path.name)] = path
            _refuse_many(len(paths))
        return cls(paths)

    def size_of(self, name: str) -> int | None:
        path = self.paths.get(name)
        return path.stat().st_size if path is not None and path.is_file() else None

    def read(self, name: str) -> bytes:
        return self.paths[name].read_bytes()


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects below a prefix, by what follows it. keys: of them, with their sizes."""

    bucket: ObjectClient
    keys: dict[str, tuple[str, int]]

    @classmethod
    def below(cls, bucket: ObjectClient, prefix: str) -> "Objects":
        """1 request per 1000 objects. Raises BadUsage for more than a million, MigrationError."""
        keys: dict[str, tuple[str, int]] = {}
        after = ""
        try:
            while found := bucket.listed(prefix, after=after):
                for each in found:
                    keys[_plain(each.key.removeprefix(prefix))] = (each.key, each.size_bytes)
                _refuse_many(len(keys))
                after = found[-1].key
        except AppError as exc:
            raise MigrationError(f"{_S3}{bucket.bucket}/{prefix} cannot be listed: {exc}") from exc
        return cls(bucket, keys)

    def size_of(self, name: str) -> int | None:
        found = self.keys.get(name)
        return None if found is None else found[1]

    def read(self, name: str) -> bytes:
        key, _ = self.keys[name]
        try:
            return self.bucket.read(key, max_bytes=MAX_BYTES)
        except (ObjectMissing, ObjectTooLarge) as exc:
            raise MigrationError(f"{key} changed since it was listed: run this again") from exc


def _plain(name: str) -> str:
    """As files are called here: a Mac takes names apart."""
    return normalize("NFC", name.strip())


def _refuse_many(files: int) -> None:
    if files > _MAX_NAMES:
        raise BadUsage(f"--from has more than {_MAX_NAMES:,} files: take a smaller folder")
