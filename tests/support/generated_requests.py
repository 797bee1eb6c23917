"""Requests generated from an OpenAPI document, as it allows them and as it does not."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES: Final = 20


def statuses_of(
    api: httpx.Client,
    operation: str,
    *,
    body: dict[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **known: str,
) -> set[int]:
    """Ask one operation with generated input, and hold each answer against the API's own document.

    Returns the statuses that were met. Parameters: as of `cases`.
    """
    statuses = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=cases(api.get("/openapi.json").json(), operation, body=body, **known))
    def ask(case: Case[Any]) -> None:
        answer = case.call(base_url=str(api.base_url).rstrip("/"), headers=dict(headers or {}))
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()
    return statuses


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
