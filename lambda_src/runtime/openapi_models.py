"""FastAPI's models of OpenAPI documents, made cheap to load: a request needs none of them."""

from pydantic import BaseModel


def load_lazily() -> None:
    """Import FastAPI so that its OpenAPI models are built at their first use; call it before anything imports FastAPI.

    Building their validators is a tenth of the start of a function, and only the documentation page uses them. The
    setting is pydantic's own (https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build) and
    holds during this import only, so the service's own models are built at once, as always.
    """
    BaseModel.model_config["defer_build"] = True
    try:
        import fastapi.openapi.models  # noqa: F401, PLC0415 -- this import is what the function is for
    finally:
        del BaseModel.model_config["defer_build"]
