"""The environment variables of a function, checked against the class that will read them."""

from collections.abc import Mapping

from lambda_src.runtime.settings import ServiceSettings, environment_of


class UnknownVariable(ValueError):
    """A stack sets a field that the settings class does not have."""


def variables_of(settings: type[ServiceSettings], values: Mapping[str, object]) -> dict[str, str]:
    """The variables that make a function read `values`, given by field name; other fields keep their default.

    Raises UnknownVariable for a misspelt field and pydantic's ValidationError, naming the field, for a missing one.
    """
    unknown = values.keys() - settings.model_fields.keys()
    if unknown:
        raise UnknownVariable(f"{settings.__name__} has no field {', '.join(sorted(unknown))}")
    return environment_of(settings.model_validate(values))
