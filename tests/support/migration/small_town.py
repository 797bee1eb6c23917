"""Rows of nbhd.city as its SQL database had them: 30 neighborhoods with ten members each."""

from typing import Any

from lambda_src.migration.mapping import ServiceMapping
from tests.support.migration.jobs import RowsInHand


def neighborhood(number: int, name: str, *, minute: int = 0, description: str = "A place") -> dict[str, Any]:
    created = f"2025-01-01 12:{minute:02}:00+00"
    return {"id": number, "name": name, "description": description, "created_by": "did:plc:alice",
            "created_at": created, "updated_at": None}  # fmt: skip


def membership(number: int, user: str, of: int) -> dict[str, Any]:
    joined = f"2025-02-{number % 27 + 1:02} 08:00:00.5+00"
    return {"id": number, "user_id": f"did:plc:{user}", "neighborhood_id": of, "joined_at": joined}


def small_town(mapping: ServiceMapping) -> RowsInHand:
    """They become 360 items."""
    rows = {
        "neighborhoods": [neighborhood(n, f"Place {n}", minute=n) for n in range(1, 31)],
        "memberships": [membership(n, f"user{n}", of=n % 30 + 1) for n in range(1, 301)],
    }
    return RowsInHand(mapping, rows)
