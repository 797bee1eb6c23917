"""Puts a migration together from what the command line and the environment say."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from lambda_src.dynamo.client import make_client
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.phases.job import Advance, Job
from lambda_src.migration.progress import Bars
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from lambda_src.migration.source.version import mapping_version
from lambda_src.migration.target.budget import WriteBudget
from lambda_src.migration.target.place import Place
from lambda_src.runtime.settings import NON_PRODUCTION

_READ_TIMEOUT_SECONDS: Final = 30.0  # a page of a Scan holds 1 MB, and a local engine has moments of its own


@dataclass(frozen=True, slots=True)
class Target:
    """Where to write. tables: `name=physical name`, for those that are not called as declared."""

    environment: str
    endpoint_url: str | None
    tables: Sequence[str]
    units_per_second: float | None
    workers: int


def place_of(mapping: ServiceMapping, target: Target) -> Place:
    """The tables of a service in an environment. Raises BadUsage."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and not target.endpoint_url:
        raise BadUsage("AWS_REGION is not set: export AWS_REGION=us-east-1")
    client = make_client(
        region=region or "us-east-1",
        endpoint_url=target.endpoint_url,
        connect_timeout_seconds=5.0,
        read_timeout_seconds=_READ_TIMEOUT_SECONDS,
        max_pool_connections=2 * target.workers,
    )
    names = {table.name: table.physical_name(target.environment) for table in mapping.tables}
    names |= _overrides(mapping, target.tables)
    return Place.of(mapping, client, names, budget=WriteBudget(target.units_per_second), workers=target.workers)


def job_of(place: Place, folder: Path, console: Console, *, environment: str) -> Job:
    """A migration out of the database that DATABASE_URL names; it is looked up when it is needed."""

    def take(path: Path, *, on_rows: Advance) -> None:
        take_snapshot(Address.from_environment(os.environ), place.mapping, path, on_rows=on_rows)

    is_production = environment not in NON_PRODUCTION
    bars = Bars(console, place.usage)
    return Job(place, folder, take, mapping_version(place.mapping), bars, is_production=is_production)


def _overrides(mapping: ServiceMapping, tables: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for text in tables:
        name, _, physical = text.partition("=")
        if not physical or name not in {table.name for table in mapping.tables}:
            known = ", ".join(table.name for table in mapping.tables)
            raise BadUsage(f"--table {text}: write name=physical-name; the names are {known}")
        overrides[name] = physical
    return overrides
