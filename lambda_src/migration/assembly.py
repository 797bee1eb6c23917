"""Puts a migration together from what the command line and the environment say."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from lambda_src.dynamo.boto3_client import make_client
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.mappings.registry import ALLOW_REJECTS, FOLDER, MIGRATIONS
from lambda_src.migration.phases.job import Job
from lambda_src.migration.phases.results import Results
from lambda_src.migration.progress import Bars
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.documents import Documents
from lambda_src.migration.source.kind import Source
from lambda_src.migration.source.reader import Database
from lambda_src.migration.source.version import mapping_version
from lambda_src.migration.target.budget import WriteBudget
from lambda_src.migration.target.place import WORKERS, Place
from lambda_src.migration.terminal import terminal
from lambda_src.runtime.settings import NON_PRODUCTION

_FOLDER: Final = Path(".local") / "migration"
_ENVIRONMENTS: Final = (*sorted(NON_PRODUCTION), "prod")
_NOWHERE: Final = "http://127.0.0.1:9"  # of a client that nobody asks: it looks for no region and no credentials
_READ_TIMEOUT_SECONDS: Final = 30.0  # a page of a Scan holds 1 MB, and a local engine has moments of its own


@dataclass(frozen=True, slots=True)
class Shared:
    """The options that all phases share, as typer reads them."""

    environment: Annotated[
        str, typer.Option(envvar="ENVIRONMENT", help="local, dev, staging or prod: names the tables")
    ]
    endpoint_url: Annotated[
        str | None, typer.Option(envvar="DYNAMODB_ENDPOINT_URL", help="Of a local engine; without it, AWS")
    ] = None
    table: Annotated[list[str] | None, typer.Option(help="main=NAME: a table that is not called as declared")] = None
    folder: Annotated[
        Path | None, typer.Option(help=f"What the migration keeps; else {_FOLDER}/<service>/<environment>")
    ] = None
    write_units: Annotated[
        float | None, typer.Option(min=25, help="Write units per second, at most; fewer while DynamoDB throttles")
    ] = None
    workers: Annotated[int, typer.Option(min=1, max=64, help="Requests at the same time")] = WORKERS


def job_of(package: str, shared: Shared, options: Mapping[str, object], *, is_asked: bool = True) -> Job:
    """A migration out of the documents that an option names, else out of the database of DATABASE_URL.

    options: those of single services that the phase has, by name. is_asked: whether the phase asks DynamoDB anything.
    Raises BadUsage, BadDocument.
    """
    if shared.environment not in _ENVIRONMENTS:
        raise BadUsage(f"{shared.environment} is no environment; known are {', '.join(_ENVIRONMENTS)}")
    migration = MIGRATIONS[package]
    mapping = migration.mapping(options)
    documents = options.get(FOLDER.name)
    source: Source = Database(mapping, lambda: Address.from_environment(os.environ))
    results, allow_rejects = Results(), True
    if isinstance(documents, Path) and migration.documents is not None:
        source, results = Documents(documents, mapping), migration.documents(documents)
        allow_rejects = bool(options.get(ALLOW_REJECTS.name, True))
    place = _place(mapping, shared, is_asked=is_asked)
    return Job(
        place,
        shared.folder or _FOLDER / package / shared.environment,
        source,
        mapping_version(mapping),
        Bars(terminal, place.usage),
        is_production=shared.environment not in NON_PRODUCTION,
        allow_rejects=allow_rejects,
        results=results,
        environment=shared.environment,
    )


def _place(mapping: ServiceMapping, shared: Shared, *, is_asked: bool) -> Place:
    """The tables of a service in an environment. Raises BadUsage."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    endpoint_url = shared.endpoint_url if is_asked else _NOWHERE
    if region is None and not endpoint_url:
        raise BadUsage("AWS_REGION is not set: export AWS_REGION=us-east-1")
    client = make_client(
        region=region or "us-east-1",
        endpoint_url=endpoint_url,
        connect_timeout_seconds=5.0,
        read_timeout_seconds=_READ_TIMEOUT_SECONDS,
        max_pool_connections=2 * shared.workers,
    )
    names = {table.name: table.physical_name(shared.environment) for table in mapping.tables}
    names |= _overrides(mapping, shared.table or ())
    return Place.of(mapping, client, names, budget=WriteBudget(shared.write_units), workers=shared.workers)


def _overrides(mapping: ServiceMapping, tables: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for text in tables:
        name, _, physical = text.partition("=")
        if not physical or name not in {table.name for table in mapping.tables}:
            known = ", ".join(table.name for table in mapping.tables)
            raise BadUsage(f"--table {text}: write name=physical-name; the names are {known}")
        overrides[name] = physical
    return overrides
