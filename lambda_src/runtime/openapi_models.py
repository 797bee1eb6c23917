"""FastAPI's models of OpenAPI documents, made cheap to load: a request needs none of them."""

import sys

from pydantic import BaseModel

EMAIL_VALIDATOR = "email_validator"


def load_lazily() -> None:
    """Import FastAPI so that its OpenAPI models are built at their first use; call it before anything imports FastAPI.

    Building their validators is a tenth of the start of a function, and only the documentation page uses them. The
    setting is pydantic's own (https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build) and
    holds during this import only, so the service's own models are built at once, as always.

    A checker of e-mail addresses, where there is one, is loaded by them for a field that our documents lack; its
    tables take 4 % of a start. So it is hidden meanwhile, which FastAPI is prepared for; who checks loads it then.
    """
    BaseModel.model_config["defer_build"] = True
    is_hidden = EMAIL_VALIDATOR not in sys.modules
    if is_hidden:
        sys.modules[EMAIL_VALIDATOR] = None  # type: ignore[assignment] # importing it fails
    try:
        import fastapi.openapi.models  # noqa: F401, PLC0415 -- this import is what the function is for
    finally:
        del BaseModel.model_config["defer_build"]
        if is_hidden:
            del sys.modules[EMAIL_VALIDATOR]
