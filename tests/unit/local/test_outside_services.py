import pytest

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.outside_services import STAND_IN_KEY, STAND_INS, outside_services
from cdk_app.services import registry
from cdk_app.services.service import StandIn

BASE_URLS = set(registry.VIDEOS_AND_PRICES.variables(""))
ALWAYS_PLAYED = {*registry.GOOGLE.variables(""), *registry.BLUESKY.variables("")}
PRICES = {"FINNHUB_API_BASE_URL", "YAHOO_API_BASE_URL", "ALPHA_VANTAGE_API_BASE_URL"}


@pytest.fixture
def outside_of(tmp_path):
    def read(text: str):
        (tmp_path / ".env").write_text(text)
        return outside_services(tmp_path / ".env")

    return read


def url_of(stand_in: StandIn) -> str:
    return f"http://localhost:{stand_in.port}"


def stand_in_addresses(outside) -> dict[str, str]:
    """Variables of the services that a key could make real, with what functions are told of them."""
    return {name: url for name, url in outside.function_environment(url_of).items() if name not in ALWAYS_PLAYED}


def test_without_an_env_file_everything_is_a_stand_in(tmp_path):
    outside = outside_services(tmp_path / ".env")
    assert outside.stand_ins == STAND_INS
    assert set(outside.function_environment(url_of)) == BASE_URLS | ALWAYS_PLAYED
    assert all(url.startswith("http://localhost:8010") for url in stand_in_addresses(outside).values())
    assert set(outside.keys.values()) == {STAND_IN_KEY}


def test_a_service_with_a_key_is_reached_for_real(outside_of):
    outside = outside_of("GEMINI_API_KEY=real-key\n")
    assert "GEMINI_API_BASE_URL" not in stand_in_addresses(outside)
    assert "YOUTUBE_API_BASE_URL" in stand_in_addresses(outside)
    assert outside.keys["gemini_api_key"] == "real-key"
    assert outside.keys["youtube_api_key"] == STAND_IN_KEY


def test_a_misspelt_key_is_refused_with_the_names_there_are(outside_of):
    names = "YOUTUBE_API_KEY, GEMINI_API_KEY, FINNHUB_API_KEY, ALPHA_VANTAGE_API_KEY"
    with pytest.raises(LocalCloudError, match=f"line 1 has an unknown name; YOUTUBE_API_KEY .*\n.*{names}"):
        outside_of("YOUTUBE_KEY=real-key\n")


def test_an_empty_key_is_no_key(outside_of):
    outside = outside_of("YOUTUBE_API_KEY=\nGEMINI_API_KEY='  '\n")
    assert set(stand_in_addresses(outside)) == BASE_URLS


def test_real_videos_get_no_invented_prices(outside_of):
    outside = outside_of("YOUTUBE_API_KEY=real-key\n")
    assert not stand_in_addresses(outside).keys() & PRICES
    assert outside.keys["finnhub_api_key"] == ""  # not configured, as on AWS
    assert outside.stand_ins == STAND_INS  # the first for Gemini


def test_with_all_keys_only_those_without_one_are_stand_ins(outside_of):
    names = ("YOUTUBE_API_KEY", "GEMINI_API_KEY", "FINNHUB_API_KEY", "ALPHA_VANTAGE_API_KEY")
    outside = outside_of("\n".join(f"{name}=real-{name}" for name in names))
    assert [stand_in.title for stand_in in outside.stand_ins] == ["Google's sign-in", "BlueSky"]
    assert set(outside.function_environment(url_of)) == ALWAYS_PLAYED
