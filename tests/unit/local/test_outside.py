import pytest

from cdk_app.local.outside import OUTSIDE_SERVICES, STAND_IN_KEY, outside_world
from cdk_app.local.standins import BASE_URLS

STAND_INS = "http://127.0.0.1:8010"
PRICES = {"FINNHUB_API_BASE_URL", "YAHOO_API_BASE_URL", "ALPHA_VANTAGE_API_BASE_URL"}


@pytest.fixture
def world_of(tmp_path):
    def read(text: str):
        (tmp_path / ".env").write_text(text)
        return outside_world(tmp_path / ".env")

    return read


def test_every_outside_service_has_a_stand_in():
    assert {service.base_url for service in OUTSIDE_SERVICES} == set(BASE_URLS)


def test_without_an_env_file_everything_is_a_stand_in(tmp_path):
    world = outside_world(tmp_path / ".env")
    assert world.needs_stand_ins
    assert set(world.function_environment(STAND_INS)) == set(BASE_URLS)
    assert all(url.startswith(STAND_INS) for url in world.function_environment(STAND_INS).values())
    assert set(world.keys.values()) == {STAND_IN_KEY}


def test_a_service_with_a_key_is_reached_for_real(world_of):
    world = world_of("GEMINI_API_KEY=real-key\nUNRELATED=1\n")
    assert "GEMINI_API_BASE_URL" not in world.function_environment(STAND_INS)
    assert "YOUTUBE_API_BASE_URL" in world.function_environment(STAND_INS)
    assert world.keys["gemini_api_key"] == "real-key"
    assert world.keys["youtube_api_key"] == STAND_IN_KEY
    assert "unrelated" not in world.keys


def test_an_empty_key_is_no_key(world_of):
    world = world_of("YOUTUBE_API_KEY=\nGEMINI_API_KEY='  '\n")
    assert set(world.function_environment(STAND_INS)) == set(BASE_URLS)


def test_real_videos_get_no_invented_prices(world_of):
    world = world_of("YOUTUBE_API_KEY=real-key\n")
    assert not world.function_environment(STAND_INS).keys() & PRICES
    assert world.keys["finnhub_api_key"] == ""  # not configured, as on AWS
    assert world.needs_stand_ins  # for Gemini


def test_with_all_keys_no_stand_in_is_needed(world_of):
    names = ("YOUTUBE_API_KEY", "GEMINI_API_KEY", "FINNHUB_API_KEY", "ALPHA_VANTAGE_API_KEY")
    world = world_of("\n".join(f"{name}=real-{name}" for name in names))
    assert not world.needs_stand_ins
    assert world.function_environment(STAND_INS) == {}
