"""What the API's settings allow, and what they refuse in production."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.settings import SettingsInvalid, environment_of
from lambda_src.services.nbhd_city.settings import ApiSettings, WorkerSettings
from lambda_src.services.nbhd_city.wiring import opened_secret
from tests.support.nbhd_city import token_key

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
    {"app_secret_json": '{"jwt": {}}'},
]


@pytest.fixture
def variables(monkeypatch):
    """`variables("dev", app_secret_arn="")`: the variables of this process, from NEEDED unless said otherwise."""

    def put(environment, **others):
        for name in ApiSettings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in (NEEDED | {"environment": environment} | others).items():
            monkeypatch.setenv(name.upper(), value)

    return put


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


def test_without_a_secret_nothing_starts(variables):
    variables("dev", app_secret_arn="")
    with pytest.raises(SettingsInvalid, match="APP_SECRET_ARN is missing"):
        ApiSettings.from_environment()


def test_a_secret_may_be_given_itself_and_is_not_shown(variables):
    key = token_key("canary")
    held = {"jwt": {"current": {"kid": "given", "key": key}}}
    variables("dev", app_secret_arn="", app_secret_json=json.dumps(held))

    settings = ApiSettings.from_environment()
    secret = opened_secret(settings, Secret)

    assert secret.section("jwt") == held["jwt"]
    assert secret.section("oauth") == {}
    assert key not in repr(settings)
    with pytest.raises(TypeError, match="app_secret_json"):
        environment_of(settings)  # so no stack can hand it on


@pytest.mark.parametrize("text", ["{canary", '"canary"', "[]"])
def test_a_given_secret_that_is_no_json_object_is_refused_and_not_shown(variables, text):
    variables("dev", app_secret_json=text)
    with pytest.raises(SettingsInvalid, match="APP_SECRET_JSON") as caught:
        ApiSettings.from_environment()
    assert "canary" not in str(caught.value)


def test_a_given_secret_is_refused_when_a_function_starts_in_production(variables):
    variables("prod", app_secret_json='{"jwt": {"current": "canary"}}')
    with pytest.raises(SettingsInvalid, match="not in production: APP_SECRET_JSON") as caught:
        ApiSettings.from_environment()
    assert "canary" not in str(caught.value)


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
