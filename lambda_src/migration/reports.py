"""A report of what each phase found or did."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Final

from lambda_src.dynamo.meter import Usage
from lambda_src.migration.content import unequal
from lambda_src.migration.errors import DIFFERENCES, DONE, FAILED, REFUSED
from lambda_src.migration.phases.check import Plan
from lambda_src.migration.phases.checks import Check
from lambda_src.migration.phases.copy import Copied
from lambda_src.migration.phases.cutover import Checklist
from lambda_src.migration.phases.delta import Delta
from lambda_src.migration.phases.export_s3 import Exported
from lambda_src.migration.phases.job import Job
from lambda_src.migration.phases.reverse_export import ReverseExported
from lambda_src.migration.phases.rollback import RolledBack
from lambda_src.migration.phases.verify import Verified
from lambda_src.migration.report import Report
from lambda_src.migration.snapshot import Tally
from lambda_src.migration.source.findings import SourceReport
from lambda_src.migration.target.repair import Conflict, Repairs
from lambda_src.migration.target.state import State

type Outcome = tuple[Report, int]
"""A report, and the exit code that goes with it."""
type Phase = Callable[..., Outcome]
"""Called with the job, the title of its report, and options of its own."""

_READY: Final = {
    "copied": "Copied before: `copy` and `delta` bring over what changed since. Next: verify.",
    "verified": "Verified before: `delta` brings over what changed since, `copy` is refused. Next: cutover.",
}
_SHOWN: Final = 20
_CUT: Final = 200


def effort(begun_at: datetime, ended_at: datetime, used: Usage) -> str:
    """When a phase ran, for how long, and what it used of DynamoDB."""
    seconds = (ended_at - begun_at).total_seconds()
    units = f"{used.read_units:,.0f} read units, {used.write_units:,.0f} write units"
    return f"Begun {begun_at:%Y-%m-%d %H:%M:%S} UTC, took {seconds:,.1f} s; {used.requests:,} requests, {units}."


def of_failure(title: str, because: str, exit_code: int) -> Outcome:
    """Any phase that stopped: what the terminal said."""
    report = Report(title)
    report.table("Stopped", ("Because",), [(line.strip(),) for line in because.splitlines()])
    report.verdict = "Refused." if exit_code == REFUSED else "Failed."
    return report, exit_code


def of_check(
    title: str, source: SourceReport, plan: Plan | None, checks: Iterable[Check], state: State | None
) -> Outcome:
    """check: what source and tables are like, and what a copy would do. plan is None where the source stops it."""
    report = Report(title)
    report.facts("Source", {**source.server, **{f"rows in {name}": count for name, count in source.counts.items()}})
    rows = [(finding.severity, finding.table, finding.column, finding.sentence) for finding in source.findings]
    report.table("Schema", ("Severity", "Table", "Column", "Finding"), rows)
    checks = list(checks)
    _add_checks(report, "Tables", checks)
    if plan is None:
        report.verdict = "Stop: the source is not what the mapping expects."
        return report, FAILED
    _add_plan(report, plan)
    if plan.question is not None:
        report.verdict = str(plan.question)
        return report, plan.question.exit_code
    is_go = all(check.is_go for check in checks)
    ready = _READY.get(state.status if state else "", "Ready to copy.")
    report.verdict = ready if is_go else "The source can be read; the tables are not ready, see above."
    return report, DONE if is_go else REFUSED


def of_init(title: str, checks: Iterable[Check], prepared: Mapping[str, object]) -> Outcome:
    """init: what the tables are like, and what the service had prepared."""
    report, checks = Report(title), list(checks)
    _add_checks(report, "Tables", checks)
    report.facts("Prepared", prepared)
    is_go = all(check.is_go for check in checks)
    report.verdict = "The tables are ready." if is_go else "The tables are not ready, see above."
    return report, DONE if is_go else REFUSED


def of_plan(title: str, plan: Plan) -> Outcome:
    """plan: what a copy would write, with samples of it."""
    report = Report(title)
    _add_plan(report, plan)
    for name, weight in plan.weights.items():
        samples = [(str(item)[:_CUT],) for item in weight.samples]
        report.table(f"Samples of {name}", ("Item",), samples)
    if plan.question is not None:
        report.verdict = str(plan.question)
        return report, plan.question.exit_code
    report.verdict = f"{plan.items:,} items would be written. Nothing was written."
    return report, DONE


def of_copy(title: str, copied: Copied) -> Outcome:
    """copy: what was written now and before."""
    report = Report(title)
    rows = [
        (name, copied.rows_before.get(name, 0), copied.rows.get(name, 0))
        for name in dict.fromkeys((*copied.rows_before, *copied.rows))
    ]
    report.table("Entities", ("Entity", "Rows written before", "Rows written now"), rows)
    _add_source(report, copied.source)
    if copied.repairs is not None:
        return _repaired(report, copied.repairs)
    report.verdict = f"{copied.items:,} items written. Next: verify."
    return report, DONE


def of_delta(title: str, done: Delta, *, is_partial: bool) -> Outcome:
    """delta: what differed and was mended."""
    report = Report(title)
    _add_source(report, done.source)
    found = _repaired(report, done.repairs)
    if is_partial:
        report.verdict += " Deletions wait for a run without --only."
    return found


def of_verify(title: str, found: Verified, job: Job) -> Outcome:
    """verify: whether source and tables agree."""
    report = Report(title)
    entities = []
    for stream in job.mapping.streams:
        if name := stream.source:
            read, rejected = found.source.read[name], found.source.rejected[name]
            written = "-" if job.is_partial else found.state.rows.get(stream.name, 0)  # which only whole copies count
            read_back = "-" if found.restored is None else found.restored.get(name, 0)
            verified = read - rejected - found.wrong.get(stream.name, 0)
            entities.append((name, read, rejected, written, verified, read_back))
    report.table("Entities", ("Entity", "Read", "Rejected", "Written", "Verified", "Read back"), entities)
    counts = {str(verdict): count for verdict, count in found.counts.items()}
    report.facts("Items", {"expected": found.items, **counts})
    differences = sorted(found.differences, key=lambda difference: difference.verdict)
    for verdict, group in groupby(differences, key=lambda difference: difference.verdict):
        lines = [
            (difference.table, " / ".join(difference.key.values()), _attributes(difference.attributes))
            for difference in group
        ]
        report.table(f"Items that are {verdict}", ("Table", "Key", "Stored and wanted"), lines[:_SHOWN])
    report.table("Rows that came back different", ("Row",), [(line,) for line in found.unlike[:_SHOWN]])
    if found.is_equal and job.is_partial:
        report.verdict = f"{found.items:,} items are as their rows say. Nothing else was looked at."
        return report, DONE
    if found.is_equal:
        report.verdict = f"Verified: {found.items:,} items, and every one is as its row says."
        return report, DONE
    report.verdict = (
        "Source and tables differ. `delta` mends what the migration wrote and nobody changed since; "
        "the rest is yours to decide."
    )
    return report, DIFFERENCES


def of_cutover(title: str, checklist: Checklist, stripped: int | None, command: str) -> Outcome:
    """cutover: go or no go. stripped: marks taken off when the API was opened, None when it was not asked for.

    command: that opens it, with the options that made it a go.
    """
    report = Report(title)
    if stripped is not None:
        report.verdict = f"Opened. {stripped:,} marks were taken off; the tables belong to the API now."
        return report, DONE
    _add_checks(report, "What the command can see", checklist.checks)
    report.table("What only you can see", ("Step",), [(step,) for step in checklist.manual])
    if checklist.is_go:
        report.verdict = f"GO, once you have ticked off the second list. Then: {command}."
        return report, DONE
    report.verdict = "NO GO."
    return report, REFUSED


def of_rollback(title: str, done: RolledBack) -> Outcome:
    """rollback: what was removed."""
    report = Report(title)
    report.facts("Items", {"removed": done.removed, "kept, because somebody changed them": done.kept})
    report.table("Kept", ("Item",), [(key,) for key in done.kept_keys])
    report.verdict = "Rolled back." if not done.kept else "Rolled back, but for items that somebody changed."
    return report, DONE if not done.kept else FAILED


def of_export(title: str, exported: Exported, bucket: str, service: str) -> Outcome:
    """export-s3: what was written, and the commands that load it."""
    report = Report(title)
    rows = [(shard.file, shard.items, shard.sha256[:16]) for shard in exported.shards]
    report.table("Shards", ("File", "Items", "SHA-256 begins"), rows)
    upload = f"aws s3 cp --recursive {exported.folder} s3://{bucket}/{service}/"
    report.table("Commands", ("Command",), [(upload,), *((command,) for command in exported.commands)])
    report.verdict = f"{exported.items:,} items in {len(exported.shards)} shards under {exported.folder}."
    return report, DONE


def of_reverse_export(title: str, done: ReverseExported, load: str) -> Outcome:
    """reverse-export: what was written, the command that loads it, and what cannot go back."""
    report = Report(title)
    tables = dict.fromkeys((*done.rows, *done.refused))
    rows = [(name, *(of.get(name, 0) for of in (done.rows, done.orphans, done.refused))) for name in tables]
    report.table("Rows", ("Table", "Written", "Left behind with what is being deleted", "Cannot go back"), rows)
    text = f"The old schema does not take these. All of them, with their rows, are in {done.left}."
    report.table("Cannot go back", ("Table", "Key", "Column", "Because"), done.shown, text=text)
    report.table("Command", ("Command",), [(load.format(folder=done.file.parent, path=done.file),)])
    report.verdict = f"{sum(done.rows.values()):,} rows in {done.file}."
    if refused := sum(done.refused.values()):
        report.verdict += f" {refused:,} cannot go back: see {done.left}."
    return report, DIFFERENCES if refused else DONE


def _repaired(report: Report, repairs: Repairs) -> Outcome:
    report.facts("Items", {"put": repairs.put, "deleted": repairs.deleted, "left alone": len(repairs.conflicts)})
    lines = [
        (conflict.table, " / ".join(conflict.key.values()), _conflict(conflict))
        for conflict in repairs.conflicts[:_SHOWN]
    ]
    text = "Somebody else wrote or changed these. They are as they were found; decide, and change or delete them."
    report.table("Left alone", ("Table", "Key", "Stored and wanted"), lines, text=text)
    if repairs.conflicts:
        report.verdict = f"{len(repairs.conflicts):,} items are not the migration's to change: see above."
        return report, DIFFERENCES
    changes = repairs.put + repairs.deleted
    report.verdict = f"{changes:,} items changed. Next: verify." if changes else "Nothing differed: no item changed."
    return report, DONE


def _add_plan(report: Report, plan: Plan) -> None:
    _add_source(report, plan.source)
    weights = [
        (name, weight.answers, weight.items, weight.size_bytes, weight.units) for name, weight in plan.weights.items()
    ]
    report.table("Items", ("Stream", "Rows", "Items", "Bytes", "Write units"), weights)
    warnings = [(row["source"], row["kind"], row["times"], str(row["sentence"])[:_CUT]) for row in plan.warnings]
    text = "These rows come along, changed as the sentence says."
    report.table("Warnings", ("Table", "Kind", "Rows", "For example"), warnings, text=text)
    cost = {
        "items": plan.items,
        "write units": plan.units,
        "time to copy": f"{plan.seconds:,.0f} s at {plan.units_per_second:,.0f} write units a second",
        "cost in us-east-1": f"{plan.usd} USD to copy, as much again to take the marks off when the API is opened",
    }
    report.facts("Estimate", cost)


def _add_source(report: Report, source: Tally) -> None:
    lines = [(name, read, source.rejected[name], read - source.rejected[name]) for name, read in source.read.items()]
    report.table("Source rows", ("Table", "Read", "Rejected", "Accepted"), lines)
    kinds = [(table, kind, count) for table, found in source.kinds.items() for kind, count in sorted(found.items())]
    report.table("Rejected rows", ("Table", "Kind", "Rows"), kinds, text="Each is in the reject file with its reason.")


def _add_checks(report: Report, heading: str, checks: Iterable[Check]) -> None:
    report.table(heading, ("Go", "Check", "Because"), [(check.is_go, check.what, check.because) for check in checks])


def _attributes(attributes: Mapping[str, tuple[object, object]]) -> str:
    return "; ".join(f"{name}: {_cut(stored)}, {_cut(wanted)}" for name, (stored, wanted) in attributes.items())


def _conflict(conflict: Conflict) -> str:
    if conflict.wanted is None:
        return "no row asks for it"
    if conflict.stored is None:
        return "somebody deleted it meanwhile"
    return _attributes(unequal(conflict.stored, conflict.wanted)) or "equal but for its mark"


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _CUT else f"{text[:_CUT]}..."
