"""What administrators choose for everybody."""

import pytest

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.preferences.service import Preferences

KEY = "/api/settings/transcription_enabled"
DESCRIPTION = "Whether the speech in new files is turned into text"


def test_a_setting_nobody_chose_has_its_default(new_house):
    house = new_house()
    boss = house.admin()

    shown = {"key": "transcription_enabled", "value": "true", "description": DESCRIPTION, "default": "true"}

    assert house.ask("GET", "/api/settings", by=boss).json() == {"settings": [shown]}
    assert house.ask("GET", KEY, by=boss).json() == shown
    assert house.part(Preferences).has_transcription() is True


@pytest.mark.parametrize(("typed", "meant"), [("Off", "false"), (" no ", "false"), ("0", "false"), ("YES", "true")])
def test_a_value_is_kept_in_one_spelling(new_house, typed, meant):
    house = new_house()
    boss = house.admin()

    assert house.ask("PUT", KEY, by=boss, json={"value": typed}).json()["value"] == meant

    stored = house.item(tables.SETTING.key(setting_key="transcription_enabled"))
    assert stored == {
        "PK": "SETTING#transcription_enabled", "SK": "VALUE", "entity": "setting",
        "setting_key": "transcription_enabled", "setting_value": meant, "updated_by": boss.user_id,
        "updated_at": "2025-01-15T08:30:00.123000Z",
    }  # fmt: skip
    assert house.part(Preferences).has_transcription() is (meant == "true")


@pytest.mark.parametrize(
    ("path", "value", "status", "code"),
    [
        (KEY, "maybe", 422, "validation_error"),
        (KEY, "", 422, "validation_error"),
        ("/api/settings/nothing", "true", 404, "setting_not_found"),
        ("/api/settings/transcription_enabled%0A", "true", 404, "not_found"),
    ],
)
def test_nothing_else_can_be_chosen(new_house, path, value, status, code):
    house = new_house()

    answer = house.ask("PUT", path, by=house.admin(), json={"value": value})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_administrators_see_and_choose_settings(new_house):
    house = new_house()
    john = house.user("john")

    for method, path in (("GET", "/api/settings"), ("GET", KEY), ("PUT", KEY)):
        answer = house.ask(method, path, by=john, json={"value": "false"} if method == "PUT" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "admin_required")
        assert house.api.request(method, path, json={"value": "false"} if method == "PUT" else None).status_code == 401


@pytest.mark.parametrize(("provider", "forced", "has"), [("none", True, False), ("fake", False, False)])
def test_what_the_deployment_says_comes_first(new_house, provider, forced, has):
    house = new_house(transcription_provider=provider, transcription_enabled=forced)

    with house.counted() as requests:
        assert house.part(Preferences).has_transcription() is has
    assert requests == {}
