"""The library that a new local cloud begins with."""

import httpx
import pytest

from cdk_app.services.planting import Ground
from cdk_app.services.service import FirstAccount
from cdk_app.services.yoto_smart_stream.samples import LISTENERS, plant
from cdk_app.services.yoto_smart_stream.tunes import BROKEN, TUNES
from tests.support.yoto_smart_stream import ADMIN_PASSWORD
from tests.support.yoto_uploads import event_of

ADMIN = FirstAccount("admin", ADMIN_PASSWORD)


@pytest.fixture
def studio(new_studio):
    return new_studio(transcription_provider="none")


def announce(studio) -> None:
    """Tell the worker of all that was uploaded."""
    for number, key in enumerate(studio.keys("uploads")):
        assert studio.house.deliver(event_of(studio.bucket.bucket, key, number)) == []


def test_listeners_find_a_dozen_files_one_of_which_is_no_music(studio):
    url = str(studio.house.api.base_url)
    plant(Ground(url=url, accounts=[ADMIN]))
    announce(studio)

    assert {item["filename"] for item in studio.house.items() if item["PK"].startswith("AUDIO#")} == {
        tune.filename for tune in TUNES
    }
    rejected = [item for item in studio.house.items() if item["PK"].startswith("UPLOAD#") and "reject_reason" in item]
    assert [(item["filename"], item["reject_reason"]) for item in rejected] == [(BROKEN[0], "not_audio")]
    for name, password in {"admin": ADMIN_PASSWORD, **LISTENERS}.items():
        answer = studio.house.api.post("/api/user/login", json={"username": name, "password": password})
        assert (answer.status_code, answer.json()["user"]["must_change_password"]) == (200, False)


def test_planting_again_adds_nothing(studio):
    url = str(studio.house.api.base_url)
    plant(Ground(url=url, accounts=[ADMIN]))
    announce(studio)
    before = {item["PK"] for item in studio.house.items() if item["PK"].startswith(("AUDIO#", "USER#"))}

    plant(Ground(url=url, accounts=[ADMIN]))
    announce(studio)

    assert {item["PK"] for item in studio.house.items() if item["PK"].startswith(("AUDIO#", "USER#"))} == before


def test_an_administrator_with_another_password_is_told(studio):
    plant(Ground(url=str(studio.house.api.base_url), accounts=[ADMIN]))

    with pytest.raises(httpx.HTTPStatusError, match="401"):
        plant(Ground(url=str(studio.house.api.base_url), accounts=[FirstAccount("admin", "a password from before")]))
