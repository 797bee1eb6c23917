"""verify: every source row against its items, and every item back to its source row."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item, from_item
from lambda_src.migration.content import unequal, unmarked, veiled
from lambda_src.migration.derive import derive
from lambda_src.migration.errors import Refused
from lambda_src.migration.mapping import Restored, Row
from lambda_src.migration.phases.delta import refuse_removing
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot, Tally
from lambda_src.migration.target.comparison import Comparison, Finding, Verdict
from lambda_src.migration.target.meeting import Sum, sums
from lambda_src.migration.target.place import Place, key_text
from lambda_src.migration.target.restored import restored_rows
from lambda_src.migration.target.state import State

_SHOWN: Final = 50  # findings whose attributes are looked at; all are counted


@dataclass(frozen=True, slots=True)
class Difference:
    """An item that is not as it should be. attributes: what differs, as (stored, wanted); empty when one is missing."""

    verdict: Verdict
    table: str
    key: Mapping[str, str]
    attributes: Mapping[str, tuple[object, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a comparison found. counts: of items by verdict. differences: the first 50 of each verdict.

    restored: rows that were read back from their items and compared field by field, by source table; None unless asked
    for. unlike: the first 50 rows that came back different, or not at all. wrong: rows with an item that is missing or
    different, by stream.
    """

    state: State
    items: int
    counts: Mapping[Verdict, int]
    differences: tuple[Difference, ...]
    restored: Mapping[str, int] | None
    unlike: tuple[str, ...]
    source: Tally
    wrong: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """Nothing differs in either direction."""
        return not any(self.counts.values()) and not self.unlike


def verify(job: Job, *, full: bool = False) -> Verified:
    """Read the source anew and compare it with every item, by digest; `verified` becomes the state when all agree.

    full: besides, read every item back to the fields of its source row. Costs a Scan, with `full` two. Of some
    entities only, an agreement changes no state. Raises Refused before a copy is complete, unless it is of some
    entities, and once the API was opened.
    """
    journal = job.journal
    state = journal.read()
    if state is None or (state.status == "copying" and not job.is_partial):
        raise Refused("The copy is not complete: run it again, until it is")
    if state.status == "opened":
        raise Refused("The API was opened: source and tables go separate ways since")
    refuse_removing(state)
    # until the end of this run nobody knows whether they still agree
    state = journal.begin(state if job.is_partial or state.status == "copying" else replace(state, status="copied"))
    with job.fresh_snapshot() as snapshot, job.comparison() as comparison:
        with job.progress.step("Working out what should be there") as advance:
            items = comparison.expect(snapshot, on_items=advance)
        with job.progress.step("Reading what is there", items) as advance:
            comparison.scan(on_items=advance)
        counts = comparison.counts()
        differences = tuple(_differences(job.place, snapshot, comparison)) if any(counts.values()) else ()
        wrong_sums = [each for each in sums(job.place) if not each.is_right]
        counts["different"] += len(wrong_sums)
        differences += tuple(map(_of_sum, wrong_sums))
        restored, unlike = _restored(job, snapshot) if full else (None, ())
        summary = snapshot.summary()
        due = comparison.rows_due() if any(counts.values()) else {}
        wrong = {job.mapping.streams[number].name: rows for number, rows in due.items()}
        result = Verified(state, items, counts, differences, restored, unlike, snapshot.tally(), wrong)
        if not job.is_partial:
            job.results.verified(snapshot, result)
    if job.is_partial and (result.is_equal or state.status == "copying"):
        return replace(result, state=journal.keep(state))  # it speaks of everything
    if result.is_equal:
        state = replace(state, status="verified", source_digest=summary.digest, mapping_version=summary.mapping_version)
    else:
        state = replace(state, status="copied")
    return replace(result, state=journal.keep(state))


# ---- what differs --------------------------------------------------------------------------------------------------


def _differences(place: Place, snapshot: Snapshot, comparison: Comparison) -> Iterator[Difference]:
    shown: dict[Verdict, list[Finding]] = {}
    for finding in comparison.findings():
        found = shown.setdefault(finding.verdict, [])
        if len(found) < _SHOWN:
            found.append(finding)
    wanted = _wanted(place, snapshot, shown.get("different", []))
    for verdict, findings in shown.items():
        for finding in findings:
            attributes: Mapping[str, tuple[object, object]] = {}
            if verdict == "different":
                stored = place.items.get(finding.table, finding.key) or {}
                confidential = place.mapping.confidential
                wanted_item = wanted[_identity(finding.table, finding.key)]
                attributes = unequal(veiled(stored, confidential), veiled(wanted_item, confidential))
            yield Difference(verdict, finding.table.name, finding.key, attributes)


def _of_sum(each: Sum) -> Difference:
    number = each.added_up.number
    return Difference("different", each.added_up.table.name, each.key, {number: (each.stored, each.wanted)})


def _wanted(place: Place, snapshot: Snapshot, findings: list[Finding]) -> dict[tuple[str, ...], Item]:
    """The items that should be there instead of those found different; derives all of them once."""
    sought = {_identity(finding.table, finding.key) for finding in findings}
    if not sought:
        return {}
    items = (
        (identity, from_item(unmarked(item)))
        for answer in derive(snapshot, place.mapping, place.migration_id)
        for table, item in answer.items
        if (identity := _identity(table, key_text(table, item))) in sought
    )
    return dict(islice(items, len(sought)))


def _identity(table: Table, key: Mapping[str, str]) -> tuple[str, ...]:
    return (table.name, *key.values())


# ---- and back ------------------------------------------------------------------------------------------------------


def _restored(job: Job, snapshot: Snapshot) -> tuple[dict[str, int], tuple[str, ...]]:
    """Every row that an item says it was made of, against the row: how many per source table, and what was unlike."""
    restored: Counter[str] = Counter()
    unlike: list[str] = []
    with job.progress.step("Reading items back to rows") as advance:
        for row in restored_rows(job.place, of_ours=True, on_items=advance, on_unreadable=unlike.append):
            restored[row.table] += not row.is_part
            unlike += _unlike(job, snapshot, row)
    for source in job.mapping.sources:
        accepted = snapshot.count(f'SELECT 1 FROM "{source.name}" WHERE reject IS NULL')
        if accepted != restored[source.name]:
            unlike.append(f"{source.name}: {accepted} rows were accepted, {restored[source.name]} were read back")
    return dict(restored), tuple(unlike[:_SHOWN])


def _unlike(job: Job, snapshot: Snapshot, restored: Restored) -> Iterator[str]:
    source = job.mapping.source(restored.table)
    by = source.found_by or source.key
    condition = " AND ".join(f'"{name}" = ?' for name in by)
    values = [restored.fields[name] for name in by]
    row_name = f"{restored.table} {', '.join(map(str, values))}"
    rows: list[Row] = list(
        snapshot.rows(f'SELECT * FROM "{restored.table}" WHERE reject IS NULL AND {condition}', *values)
    )
    if len(rows) != 1:
        yield f"{row_name}: {len(rows)} rows"
        return
    for name, value in restored.fields.items():
        if rows[0][name] != value:
            known = "" if name in job.mapping.confidential else f": item {value!r}, row {rows[0][name]!r}"
            yield f"{row_name}, {name}{known}"
