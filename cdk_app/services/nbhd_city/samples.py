"""A dozen neighborhoods with their members, made as alice and bob would make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from cdk_app.services.nbhd_city.local_secrets import TEST_USERS
from cdk_app.services.planting import Ground, accepted, api_at


@dataclass(frozen=True, slots=True)
class SampleNeighborhood:
    """founder, neighbor: places in TEST_USERS; neighbor: who joins, None for nobody."""

    name: str
    description: str
    founder: int
    neighbor: int | None


SAMPLE_NEIGHBORHOODS: Final = (
    SampleNeighborhood("Linden Hill", "Old trees, steep streets, one good bakery.", founder=0, neighbor=1),
    SampleNeighborhood("Harbour Row", "Everybody within reach of the ferry's horn.", founder=1, neighbor=0),
    SampleNeighborhood("Mill Yard", "Workshops below, lofts above, noise until six.", founder=0, neighbor=None),
    SampleNeighborhood("Orchard End", "We share ladders in September and apples in October.", founder=0, neighbor=1),
    SampleNeighborhood("Señor Park", "The park, its dogs, and who walks them.", founder=1, neighbor=0),
    SampleNeighborhood("Brückenstraße", "Both banks of the river, and the bridge between.", founder=0, neighbor=1),
    SampleNeighborhood("Kiln Lane", "Potters, and those who buy their mistakes.", founder=1, neighbor=None),
    SampleNeighborhood("Station Quarter", "Late trains and early markets.", founder=0, neighbor=1),
    SampleNeighborhood("東山町", "Gardens behind walls; knock first.", founder=1, neighbor=0),
    SampleNeighborhood("Lower Meadow", "Floods every tenth year. We keep a list of boats.", founder=0, neighbor=1),
    SampleNeighborhood("Tannery Steps", "112 steps, and a rope for the shopping.", founder=1, neighbor=0),
    SampleNeighborhood("Observatory", "Please turn the lights off at ten.", founder=0, neighbor=None),
)


def plant(ground: Ground) -> None:
    """Make what is not there yet. Raises httpx.HTTPError."""
    with api_at(ground.url) as api:
        people = [_signed_in(api, account.display_name.lower()) for account in TEST_USERS]
        for account, person in zip(TEST_USERS, people, strict=True):
            profile = {"display_name": account.display_name, "bio": account.description}
            accepted(api.post("/api/users/me/profile", json=profile, headers=person))
        for sample in SAMPLE_NEIGHBORHOODS:
            _plant(api, sample, people)


def _plant(api: httpx.Client, sample: SampleNeighborhood, people: Sequence[dict[str, str]]) -> None:
    body = {"name": sample.name, "description": sample.description}
    answer = accepted(api.post("/api/nbhds", json=body, headers=people[sample.founder]))
    nbhd_id = answer["nbhd_id"] if "nbhd_id" in answer else answer["id"]
    if sample.neighbor is not None:
        accepted(api.post(f"/api/nbhds/{nbhd_id}/join", headers=people[sample.neighbor]))


def _signed_in(api: httpx.Client, name: str) -> dict[str, str]:
    answer = accepted(api.post("/auth/test-login", json={"username": name, "password": name}))
    return {"Authorization": f"Bearer {answer['access_token']}"}
