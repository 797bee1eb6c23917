"""Every operation on neighborhoods, memberships and profiles, asked with generated input: never a 500."""

from typing import Any

import pytest

from tests.support.generated_requests import statuses_of

OPERATIONS = [
    "GET /",
    "GET /health",
    "GET /health/ready",
    "GET /api/nbhds",
    "POST /api/nbhds",
    "GET /api/nbhds/{nbhd_id}",
    "PATCH /api/nbhds/{nbhd_id}",
    "DELETE /api/nbhds/{nbhd_id}",
    "GET /api/nbhds/{nbhd_id}/members",
    "POST /api/nbhds/{nbhd_id}/join",
    "DELETE /api/nbhds/{nbhd_id}/leave",
    "GET /api/users/me/nbhds",
    "GET /api/users/me",
    "POST /api/users/me/profile",
    "PUT /api/users/me",
    "POST /api/users/batch",
    "GET /api/users/{user_id}",
]
CREATOR, MEMBER, NEWCOMER = "alice", "bob", "carol"
WHO = {"POST /api/nbhds/{nbhd_id}/join": NEWCOMER, "POST /api/users/me/profile": NEWCOMER}
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/nbhds": {"name": "Another"},
    "PATCH /api/nbhds/{nbhd_id}": {"name": "Renamed", "description": None},
    "PUT /api/users/me": {"email": "", "bio": "Gardener"},
    "POST /api/users/batch": {"user_ids": ["did:plc:alice"]},
}


def test_the_document_lists_these_and_what_needs_an_outside_service(new_city):
    paths = new_city().api.get("/openapi.json").json()["paths"]
    listed = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    outside = {each for each in listed if each.split()[1].startswith(("/auth/", "/oauth/"))} | {
        "GET /api/users/profile"
    }
    assert listed - outside == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_generated_requests_are_answered_as_the_document_says(new_city, operation):
    city = new_city()
    made = city.create(CREATOR, "Home")
    city.join(MEMBER, made["id"])
    for name in (CREATOR, MEMBER):
        assert city.ask("POST", "/api/users/me/profile", by=name, json={"bio": "x"}).status_code == 201

    statuses = statuses_of(
        city.api,
        operation,
        body=BODIES.get(operation),
        headers={"Authorization": f"Bearer {city.token(WHO.get(operation, CREATOR))}"},
        nbhd_id=made["id"],
        user_id="did:plc:alice",
    )

    assert statuses & {200, 201, 204}, f"no request got through: {statuses}"
