"""What a piece of work consumed of the database, as seen from a layer that does not know the database."""

from typing import Protocol


class Usage(Protocol):
    """Running totals since the process began."""

    @property
    def requests(self) -> int: ...

    @property
    def read_units(self) -> float: ...

    @property
    def write_units(self) -> float: ...


class UsageSource(Protocol):
    """Whoever counts; `lambda_src.dynamo.meter.UsageMeter` does."""

    def snapshot(self) -> Usage: ...


def usage_fields(source: UsageSource | None, before: Usage | None) -> dict[str, int | float]:
    """Log fields for what was used since `before`; none when nobody counts.

    The totals belong to the process: with several requests at once (never on Lambda) each sees the others' use too.
    """
    if source is None or before is None:
        return {}
    now = source.snapshot()
    return {
        "dynamodb_requests": now.requests - before.requests,
        "read_units": round(now.read_units - before.read_units, 1),
        "write_units": round(now.write_units - before.write_units, 1),
    }
