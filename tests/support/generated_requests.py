"""Requests generated from an OpenAPI document, as it allows them and as it does not."""

from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode


def cases(
    document: dict[str, Any], operation: str, *, body: dict[str, Any] | None = None, **known: str
) -> st.SearchStrategy[Case[Any]]:
    """Requests of one operation (`GET /things/{id}`); half of them ask for what exists.

    known: path parameters that exist. body: one that is accepted, where no generated one would be.
    """
    schema = schemathesis.openapi.from_dict(document)
    method, path = operation.split()
    found = schema[path][method]
    fixed = {name: value for name, value in known.items() if f"{{{name}}}" in path}
    strategies = [found.as_strategy()]
    if fixed:
        strategies.append(found.as_strategy(path_parameters=fixed))
    if body is not None:
        strategies.append(found.as_strategy(path_parameters=fixed or None, body=body, media_type="application/json"))
    if found.body or found.query:
        strategies.append(found.as_strategy(GenerationMode.NEGATIVE, path_parameters=fixed or None))
    return st.one_of(strategies)
