"""What the first start of a local house plants, through the real API."""

import httpx
import pytest

from cdk_app.local.secret_values import filled_in
from cdk_app.services.nbhd_city.local_secrets import MADE_UP
from cdk_app.services.nbhd_city.samples import SAMPLE_NEIGHBORHOODS, plant
from tests.support.nbhd_city import AppSecretInHand


@pytest.fixture
def house(nbhd_house):
    secret = AppSecretInHand(filled_in({"jwt": "", "oauth": "", "test_login": ""}, {}, MADE_UP))
    return nbhd_house(secret=secret, test_login_enabled=True)


def test_every_neighborhood_is_there_with_its_members(house):
    plant(str(house.api.base_url))
    listed = house.api.get("/api/nbhds").json()
    assert {each["name"]: each["member_count"] for each in listed} == {
        sample.name: 1 if sample.neighbor is None else 2 for sample in SAMPLE_NEIGHBORHOODS
    }
    assert {each["created_by"] for each in listed} == {"did:plc:alice", "did:plc:bob"}
    assert house.api.get("/api/users/did:plc:alice").json()["display_name"] == "Alice"


def test_planting_twice_is_planting_once(house):
    url = str(house.api.base_url)
    plant(url)
    before = sorted(map(str, house.items()))
    plant(url)
    assert sorted(map(str, house.items())) == before


def test_an_api_without_test_users_is_an_error_that_the_runner_can_tell(nbhd_house):
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        plant(str(nbhd_house().api.base_url))
