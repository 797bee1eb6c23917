"""What the API's settings allow, and what they refuse in production."""

from typing import Any

import pytest
from pydantic import ValidationError

from lambda_src.runtime.settings import environment_of
from lambda_src.services.nbhd_city.settings import ApiSettings, WorkerSettings

NEEDED: dict[str, Any] = {
    "environment": "prod",
    "dynamodb_table_name": "nbhd-city-prod",
    "nbhd_task_queue_url": "https://sqs.test/tasks",
    "app_secret_arn": "arn:secret",
    "frontend_origins": "https://nbhd.city, https://www.nbhd.city",
    "cors_allowed_origins": "https://nbhd.city",
    "api_base_url": "https://api.nbhd.city",
}
LOOSE = [
    {"test_login_enabled": True},
    {"allow_insecure_upstreams": True},
    {"oauth_profile": "basic"},
    {"callback_mode": "token"},
]


@pytest.mark.parametrize("loose", LOOSE)
@pytest.mark.parametrize("environment", ["prod", "production", "qa"])
def test_what_suits_a_laptop_is_refused_in_production(environment, loose):
    with pytest.raises(ValidationError, match="not in production"):
        ApiSettings(**NEEDED | {"environment": environment} | loose)


@pytest.mark.parametrize("loose", LOOSE)
@pytest.mark.parametrize("environment", ["local", "dev", "staging"])
def test_what_suits_a_laptop_is_allowed_elsewhere(environment, loose):
    ApiSettings(**NEEDED | {"environment": environment} | loose)


@pytest.mark.parametrize("origins", ["*", "https://*.nbhd.city"])
@pytest.mark.parametrize("environment", ["prod", "local"])
def test_a_wildcard_origin_is_refused_everywhere(environment, origins):
    with pytest.raises(ValidationError, match="CORS origins must be exact"):
        ApiSettings(**NEEDED | {"environment": environment, "cors_allowed_origins": origins})


@pytest.mark.parametrize(
    "wrong",
    [
        {"nbhd_list_shards": 0},
        {"nbhd_list_shards": 17},
        {"maintenance_mode": "on"},
        {"frontend_origins": " , "},
        {"api_base_url": "https://api.nbhd.city/"},
        {"dynamodb_table_name": None},
    ],
)
def test_values_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        ApiSettings(**NEEDED | wrong)


def test_the_table_has_no_default_name():
    with pytest.raises(ValidationError, match="dynamodb_table_name"):
        ApiSettings(**{name: value for name, value in NEEDED.items() if name != "dynamodb_table_name"})


def test_addresses_of_the_client_follow_the_api():
    settings = ApiSettings(**NEEDED)

    assert settings.client_id == "https://api.nbhd.city/oauth/client-metadata.json"
    assert settings.redirect_uri == "https://api.nbhd.city/auth/callback"
    assert settings.allowed_origins == ("https://nbhd.city", "https://www.nbhd.city")
    assert settings.cors.origins == ("https://nbhd.city",)


@pytest.mark.parametrize(
    "settings",
    [
        ApiSettings(**NEEDED | {"nbhd_list_shards": 8, "maintenance_mode": "read_only"}),
        WorkerSettings(environment="dev", dynamodb_table_name="t", nbhd_task_queue_url="q", nbhd_task_dlq_url="d"),
    ],
)
def test_variables_give_the_same_settings_again(monkeypatch, settings):
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)

    assert type(settings).from_environment() == settings
