import pytest

from cdk_app.local import bluesky
from cdk_app.local.layout import LocalCloudError
from cdk_app.local.outside import OUTSIDE_SERVICES, STAND_IN_KEY, STAND_INS, StandIn, outside_world
from cdk_app.local.standins import BASE_URLS

BLUESKY = set(bluesky.settings_for(""))
PRICES = {"FINNHUB_API_BASE_URL", "YAHOO_API_BASE_URL", "ALPHA_VANTAGE_API_BASE_URL"}


@pytest.fixture
def world_of(tmp_path):
    def read(text: str):
        (tmp_path / ".env").write_text(text)
        return outside_world(tmp_path / ".env")

    return read


def url_of(stand_in: StandIn) -> str:
    return f"http://localhost:{stand_in.port}"


def stand_in_addresses(world) -> dict[str, str]:
    """Variables of the services that a key could make real, with what functions are told of them."""
    return {name: url for name, url in world.function_environment(url_of).items() if name not in BLUESKY}


def test_every_outside_service_has_a_stand_in():
    assert {service.base_url for service in OUTSIDE_SERVICES} == set(BASE_URLS)


def test_without_an_env_file_everything_is_a_stand_in(tmp_path):
    world = outside_world(tmp_path / ".env")
    assert world.stand_ins == STAND_INS
    assert set(world.function_environment(url_of)) == set(BASE_URLS) | BLUESKY
    assert all(url.startswith("http://localhost:8010") for url in stand_in_addresses(world).values())
    assert set(world.keys.values()) == {STAND_IN_KEY}


def test_a_service_with_a_key_is_reached_for_real(world_of):
    world = world_of("GEMINI_API_KEY=real-key\n")
    assert "GEMINI_API_BASE_URL" not in stand_in_addresses(world)
    assert "YOUTUBE_API_BASE_URL" in stand_in_addresses(world)
    assert world.keys["gemini_api_key"] == "real-key"
    assert world.keys["youtube_api_key"] == STAND_IN_KEY


def test_a_misspelt_key_is_refused_with_the_names_there_are(world_of):
    names = "YOUTUBE_API_KEY, GEMINI_API_KEY, FINNHUB_API_KEY, ALPHA_VANTAGE_API_KEY"
    with pytest.raises(LocalCloudError, match=f"line 1 has an unknown name; YOUTUBE_API_KEY .*\n.*{names}"):
        world_of("YOUTUBE_KEY=real-key\n")


def test_an_empty_key_is_no_key(world_of):
    world = world_of("YOUTUBE_API_KEY=\nGEMINI_API_KEY='  '\n")
    assert set(stand_in_addresses(world)) == set(BASE_URLS)


def test_real_videos_get_no_invented_prices(world_of):
    world = world_of("YOUTUBE_API_KEY=real-key\n")
    assert not stand_in_addresses(world).keys() & PRICES
    assert world.keys["finnhub_api_key"] == ""  # not configured, as on AWS
    assert world.stand_ins == STAND_INS  # the first for Gemini


def test_with_all_keys_only_bluesky_is_a_stand_in(world_of):
    names = ("YOUTUBE_API_KEY", "GEMINI_API_KEY", "FINNHUB_API_KEY", "ALPHA_VANTAGE_API_KEY")
    world = world_of("\n".join(f"{name}=real-{name}" for name in names))
    assert [stand_in.title for stand_in in world.stand_ins] == ["BlueSky"]
    assert set(world.function_environment(url_of)) == BLUESKY
