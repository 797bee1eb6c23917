"""Settings from variables, and variables from settings."""

from typing import Self

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator

from lambda_src.runtime.settings import ServiceSettings, SettingsInvalid, environment_of


class Sample(ServiceSettings):
    table_name: str = Field(description="Name of the table.")
    queue_url: str = Field(default="", description="Address of the queue.")
    max_channels: int = Field(default=500, ge=1, description="Most channels.")
    verify: bool = Field(default=True, description="Whether to verify.")
    api_key: SecretStr = Field(default=SecretStr(""), description="A secret, which does not belong here.")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in [*ServiceSettings.model_fields, *Sample.model_fields, "aws_lambda_function_name"]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ENVIRONMENT", "local")
    monkeypatch.setenv("TABLE_NAME", "Sample-local")


def test_variables_become_typed_values(monkeypatch):
    monkeypatch.setenv("MAX_CHANNELS", "12")
    monkeypatch.setenv("VERIFY", "false")
    settings = Sample.from_environment()
    assert (settings.table_name, settings.max_channels, settings.verify) == ("Sample-local", 12, False)


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(monkeypatch, value):
    monkeypatch.delenv("TABLE_NAME") if value is None else monkeypatch.setenv("TABLE_NAME", value)
    with pytest.raises(SettingsInvalid, match="TABLE_NAME"):
        Sample.from_environment()


def test_all_wrong_variables_are_named_and_no_value_is_shown(monkeypatch):
    monkeypatch.delenv("ENVIRONMENT")
    monkeypatch.setenv("MAX_CHANNELS", "hunter2")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(SettingsInvalid) as caught:
        Sample.from_environment()
    assert all(name in str(caught.value) for name in ("ENVIRONMENT", "MAX_CHANNELS", "LOG_LEVEL"))
    assert "hunter2" not in str(caught.value)


class Paired(Sample):
    @model_validator(mode="after")
    def _needs_its_pair(self) -> Self:
        if not self.queue_url:
            raise ValueError("TABLE_NAME without QUEUE_URL")
        return self


def test_variables_that_do_not_go_together_are_said_to(monkeypatch):
    with pytest.raises(SettingsInvalid, match=r"Paired cannot be read\. .*TABLE_NAME without QUEUE_URL"):
        Paired.from_environment()


def test_a_value_made_by_hand_does_not_depend_on_the_shell(monkeypatch):
    monkeypatch.setenv("MAX_CHANNELS", "12")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    settings = Sample(environment="dev", table_name="Sample-dev")
    assert (settings.max_channels, settings.log_level) == (500, "INFO")
    with pytest.raises(ValidationError):
        Sample.model_validate({"environment": "dev"})


def test_a_misspelt_field_is_named():
    with pytest.raises(ValidationError, match="tabel_name"):
        Sample.model_validate({"environment": "dev", "table_name": "Sample-dev", "tabel_name": "Sample-dev"})


def test_the_environment_of_a_value_gives_the_value_again(monkeypatch):
    settings = Sample(environment="staging", table_name="Sample-staging", max_channels=3, verify=False)
    variables = environment_of(settings)
    assert variables == {
        "ENVIRONMENT": "staging",
        "TABLE_NAME": "Sample-staging",
        "MAX_CHANNELS": "3",
        "VERIFY": "false",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Sample.from_environment() == settings


def test_a_secret_never_becomes_a_variable():
    with pytest.raises(TypeError, match="api_key holds a secret"):
        environment_of(Sample(environment="dev", table_name="x", api_key=SecretStr("k")))


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Sample.from_environment().table_name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("environment", "is_production"),
    [("local", False), ("dev", False), ("staging", False), ("prod", True), ("production", True), ("Dev", True)],
)
def test_every_unknown_environment_is_production(environment, is_production):
    assert Sample(environment=environment, table_name="x").is_production is is_production


@pytest.mark.parametrize(
    ("environment", "on_lambda", "endpoint"),
    [
        ("prod", True, None),
        ("dev", True, None),
        ("local", True, "http://127.0.0.1:8102"),
        ("dev", False, "http://127.0.0.1:8102"),
    ],
)
def test_an_endpoint_of_this_machine_is_ignored_on_lambda(monkeypatch, environment, on_lambda, endpoint):
    monkeypatch.setenv("ENVIRONMENT", environment)
    monkeypatch.setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:8102")
    if on_lambda:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "api")
    assert Sample.from_environment().dynamodb_endpoint == endpoint


def test_every_field_says_what_it_is():
    assert all(field.description for field in ServiceSettings.model_fields.values())
