"""Settings of a service: typed values that come from environment variables, and the way back for the stack.

A field `sqs_queue_url` is the variable `SQS_QUEUE_URL`. The stack constructs the same class from its own values and
fills the function's environment with `environment_of`, so that a missing or misspelt variable fails at synthesis.
"""

import os
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from lambda_src.errors import AppError

NON_PRODUCTION = frozenset({"local", "dev", "staging"})


class SettingsInvalid(AppError):
    """A variable is missing or not valid; the message names each, and never shows a value."""


class ServiceSettings(BaseModel):
    """What every service needs; a service adds its own fields, plain values, each with a description.

    Constructing it uses the given values only, whatever the process environment says, so that synthesis stays a pure
    function of the repository; `from_environment` is the one that reads variables. Without pydantic-settings: its
    sources are what is not wanted here, and importing them was 3 % of a cold start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_timeout_seconds: ClassVar[float] = 5.0  # of one try without an answer; there are three
    conflict_metric: ClassVar[str | None] = None  # counts tries of transactions that met another one

    environment: str = Field(min_length=1, description="Name of the deployment: local, dev, staging or prod.")
    dynamodb_region: str = Field(default="us-east-1", description="Region of the tables.")
    dynamodb_endpoint: str | None = Field(
        default=None, description="Address of a DynamoDB engine on this machine; ignored on Lambda."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lowest level of the product's own log lines."
    )

    maintenance_mode: Literal["off", "read_only", "full"] = Field(
        default="off", description="What an API refuses: read_only writes, full all but the health checks."
    )

    @property
    def is_production(self) -> bool:
        """True for every environment that is not known to be harmless."""
        return self.environment not in NON_PRODUCTION

    @field_validator("dynamodb_endpoint")
    @classmethod
    def _ignored_on_lambda(cls, endpoint: str | None, info: ValidationInfo) -> str | None:
        on_lambda = "AWS_LAMBDA_FUNCTION_NAME" in os.environ and info.data.get("environment") != "local"
        return None if on_lambda else endpoint

    @classmethod
    def from_environment(cls) -> Self:
        """Read the variables of this process; an empty one counts as missing.

        Raises SettingsInvalid naming every variable that is missing or wrong.
        """
        try:
            return cls.model_validate(
                {name: text for name in cls.model_fields if (text := os.environ.get(name.upper()))}
            )
        except ValidationError as error:
            # `from None`: pydantic's own text shows the values it was given.
            problems = "; ".join(_problem(e["loc"], e["msg"]) for e in error.errors(include_input=False))
            raise SettingsInvalid(f"{cls.__name__} cannot be read. {problems}") from None


def _problem(where: tuple[int | str, ...], message: str) -> str:
    """What is wrong with a variable; with several of them together when it is nowhere in particular."""
    return f"{str(where[0]).upper()}: {message}" if where else message


def environment_of(settings: BaseModel) -> dict[str, str]:
    """The variables that make `from_environment` give this value again: all that differ from their default.

    Raises TypeError for a field that holds a secret (its name travels, never its value) or is no plain value.
    """
    fields = type(settings).model_fields
    values = {name: getattr(settings, name) for name in fields}
    return {
        name.upper(): _as_text(name, value)
        for name, value in values.items()
        if value is not None and value != fields[name].default
    }


def _as_text(name: str, value: object) -> str:
    match value:
        case SecretStr():
            raise TypeError(f"{name} holds a secret: pass the secret's name instead")
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            raise TypeError(f"{name} cannot be an environment variable: {type(value).__name__}")
