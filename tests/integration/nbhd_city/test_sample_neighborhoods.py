"""What the first start of a local city plants, through the real API."""

import httpx
import pytest

from cdk_app.local.secret_values import filled_in
from cdk_app.services.nbhd_city.local_secrets import MADE_UP
from cdk_app.services.nbhd_city.samples import SAMPLE_NEIGHBORHOODS, plant
from cdk_app.services.planting import Ground
from tests.support.played import HeldSecret


@pytest.fixture
def city(new_city):
    secret = HeldSecret(filled_in({"jwt": "", "oauth": "", "test_login": ""}, {}, MADE_UP))
    return new_city(secret=secret, test_login_enabled=True)


def test_every_neighborhood_is_there_with_its_members(city):
    plant(Ground(url=str(city.api.base_url)))
    listed = city.api.get("/api/nbhds").json()
    assert {each["name"]: each["member_count"] for each in listed} == {
        sample.name: 1 if sample.neighbor is None else 2 for sample in SAMPLE_NEIGHBORHOODS
    }
    assert {each["created_by"] for each in listed} == {"did:plc:alice", "did:plc:bob"}
    assert city.api.get("/api/users/did:plc:alice").json()["display_name"] == "Alice"


def test_planting_twice_is_planting_once(city):
    url = str(city.api.base_url)
    plant(Ground(url=url))
    before = sorted(map(str, city.items()))
    plant(Ground(url=url))
    assert sorted(map(str, city.items())) == before


def test_an_api_without_test_users_is_an_error_that_the_runner_can_tell(new_city):
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        plant(Ground(url=str(new_city().api.base_url)))
