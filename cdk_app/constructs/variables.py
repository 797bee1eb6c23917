"""The environment variables of a function, checked against the class that will read them."""

from collections.abc import Mapping

from lambda_src.runtime.settings import ServiceSettings, environment_of


def variables_of(settings: type[ServiceSettings], values: Mapping[str, object]) -> dict[str, str]:
    """The variables that make a function read `values`, given by field name; other fields keep their default.

    Raises pydantic's ValidationError, which names the field, for one that is missing, misspelt or not valid.
    """
    return environment_of(settings.model_validate(values))
