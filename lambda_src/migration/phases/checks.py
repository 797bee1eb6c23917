"""What can be seen of the tables a migration writes to, as lines of a checklist."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lambda_src.dynamo.boto3_client import translated
from lambda_src.dynamo.client import CallRefused
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import Table
from lambda_src.errors import AppError
from lambda_src.migration.content import is_ours
from lambda_src.migration.phases.job import Job
from lambda_src.migration.target.meeting import is_foreign
from lambda_src.migration.target.place import key_text
from lambda_src.migration.target.scan import some_item


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a checklist."""

    what: str
    is_go: bool
    because: str


def shape_checks(job: Job) -> Iterator[Check]:
    """Whether each table is there, has the keys and indexes of its declaration, and holds nothing of others.

    2 requests a table, and a Scan up to the first item. init, check.
    """
    is_usable = True
    for table in job.place.tables():
        name = job.place.caller.physical_name(table)
        described = _described(job, table)
        yield Check(f"{name} is there", described is not None, "it is" if described else "deploy the data stack first")
        differences = _differences(table, described) if described else []
        if described:
            because = "; ".join(differences) or "keys and indexes agree"
            yield Check(f"{name} is as declared", not differences, because)
        is_usable &= described is not None and not differences
    if is_usable:
        yield from _content_checks(job)


def _content_checks(job: Job) -> Iterator[Check]:
    state = job.journal.read()
    if state is not None:
        because = f"{state.status}, begun {state.started_at}, last seen {state.updated_at}"
        yield Check("The migration may write", state.status not in ("opened", "removing"), because)
        return
    for table in job.place.tables():
        what, item = f"{job.place.caller.physical_name(table)} is empty", some_item(job.place, table)
        if item is not None and is_foreign(job.place, item):
            yield Check(what, True, "no, but what is there stays, and rows that come get along with it")
            continue
        if item is None:
            yield Check(what, True, "it is")
        elif is_ours(item, job.place.migration_id):
            yield Check(what, True, "it was imported: `copy` compares")
        else:
            key = " / ".join(key_text(table, item).values())
            yield Check(what, False, f"it holds items, such as {key}: a migration begins in empty tables")


def protection_checks(job: Job) -> Iterator[Check]:
    """Whether each table is protected from deletion and from mistakes. 2 requests a table."""
    client = job.place.operator
    for table in job.place.tables():
        name = job.place.caller.physical_name(table)
        described = _described(job, table) or {}
        is_protected = bool(described.get("DeletionProtectionEnabled"))
        yield Check(f"{name} is protected from deletion", is_protected, "on" if is_protected else "off")
        backups: Any = _asked(job, client.describe_continuous_backups, "DescribeContinuousBackups", name)
        recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        is_on = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
        yield Check(f"{name} can be recovered to a point in time", is_on, "on" if is_on else "off")


def _described(job: Job, table: Table) -> dict[str, Any] | None:
    name = job.place.caller.physical_name(table)
    try:
        return {**_asked(job, job.place.operator.describe_table, "DescribeTable", name)["Table"]}
    except AppError as exc:
        if isinstance(exc.__cause__, CallRefused) and exc.__cause__.code == "ResourceNotFoundException":
            return None
        raise


def _asked(job: Job, ask: Callable[..., Any], operation: str, table_name: str) -> Any:
    """What DynamoDB says of a table, asked with the patience of a migration. A refusal names the operation."""

    def answer() -> Any:
        try:
            with translated():
                return ask(TableName=table_name)
        except CallRefused as refused:
            told = f"{operation}: {refused.message}"
            raise CallRefused(refused.code, told, status=refused.status) from refused

    return job.place.caller.repeated(answer)


def _differences(table: Table, described: dict[str, Any]) -> list[str]:
    declared = create_table_input(table, "")
    differences = []
    if _keys(described["KeySchema"]) != _keys(declared["KeySchema"]):
        differences.append(f"its key is {_keys(described['KeySchema'])}")
    stored = {index["IndexName"]: _keys(index["KeySchema"]) for index in described.get("GlobalSecondaryIndexes", ())}
    for index in declared.get("GlobalSecondaryIndexes", ()):
        found = stored.get(index["IndexName"])
        if found != _keys(index["KeySchema"]):
            differences.append(f"index {index['IndexName']} is {found or 'missing'}")
    return differences


def _keys(schema: list[dict[str, str]]) -> str:
    return ", ".join(part["AttributeName"] for part in sorted(schema, key=lambda part: part["KeyType"]))
