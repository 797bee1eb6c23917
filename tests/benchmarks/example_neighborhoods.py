"""The example of nbhd.city's capacity figures: 250 neighborhoods, one of them large, and a user who is in 120."""

from typing import Final

from lambda_src.services.nbhd_city.models import timestamp
from tests.support.nbhd_city import PlayedCity
from tests.support.played import TestClock

NEIGHBORHOODS: Final = 250
MEMBERS_OF_LARGE: Final = 6_000
MEMBERS_OF_MEDIUM: Final = 1_000
JOINED: Final = 120
PROFILES: Final = 100
LARGE: Final = "Large Place"
MEDIUM: Final = "Medium Place"
CREATOR: Final = "creator"
SIGNER: Final = "alice"  # can sign in at the stand-in of BlueSky
JOINER: Final = "joiner"  # is in `JOINED` of them
DESCRIPTION: Final = (
    "A street of old cities between the river and the railway. We lend each other ladders, tell who is looking for a"
    " flat, keep an eye on the playground, and meet on the first Sunday of the month in the yard of number twelve. "
    "New neighbors are welcome, and so are those who have moved away and want to know how things are going here now."
)


def write(city: PlayedCity, clock: TestClock) -> dict[str, str]:
    """Fill an empty table through the API. Returns ids by name."""
    ids = {}
    for number in range(NEIGHBORHOODS):
        clock.forward(seconds=1)
        name = {0: LARGE, 1: MEDIUM}.get(number, f"Sample Street {number}")
        ids[name] = city.create(CREATOR, name, description=DESCRIPTION)["id"]
    for nbhd_id in list(ids.values())[:JOINED]:
        clock.forward(seconds=1)
        city.join(JOINER, nbhd_id).raise_for_status()
    # Creator and joiner are in both already.
    city.seed_members(ids[LARGE], members(MEMBERS_OF_LARGE - 2), joined_at=timestamp(clock()))
    city.seed_members(ids[MEDIUM], members(MEMBERS_OF_MEDIUM - 2), joined_at=timestamp(clock()))
    for name in (SIGNER, JOINER, *members(PROFILES - 1)):
        city.ask("POST", "/api/users/me/profile", by=name, json={"bio": DESCRIPTION[:115]}).raise_for_status()
    return ids


def members(count: int) -> list[str]:
    """Names with which DIDs are as long as real ones: 24 characters behind `did:plc:`."""
    return [f"member{number:018}" for number in range(count)]
