"""A rule about every policy document, wherever it sits: whom it lets in."""

from collections.abc import Iterator
from typing import Any, Final

from tests.infra.gates.identity import is_operator
from tests.infra.gates.model import Complaints, Deployment, Json, rule
from tests.infra.gates.references import as_list

# Services that may call something of ours, and may take a role of ours.
LET_IN: Final = {
    "lambda.amazonaws.com",
    "codedeploy.amazonaws.com",
    "cloudwatch.amazonaws.com",
    "budgets.amazonaws.com",
    "events.amazonaws.com",
}


def statements(value: Any) -> Iterator[Json]:
    """Every statement with a principal, at any depth."""
    if isinstance(value, list):
        for part in value:
            yield from statements(part)
    elif isinstance(value, dict):
        if value.keys() & {"Principal", "NotPrincipal"} and "Effect" in value:
            yield value
        for part in value.values():
            yield from statements(part)


@rule("policies-let-in-nobody-else", "Any document with a principal is a door, on whatever resource it hangs")
def policies_let_in_nobody_else(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        for resource in stack.resources.values():
            for statement in statements(resource.properties):
                is_excepted = is_operator(deployment, resource)  # another rule says who takes that role
                if statement["Effect"] == "Allow" and not is_excepted and not _is_known(statement):
                    yield resource, f"lets {statement.get('Principal', 'all but some')} in"


def _is_known(statement: Json) -> bool:
    principal = statement.get("Principal")
    return (
        isinstance(principal, dict)
        and principal.keys() == {"Service"}
        and all(each in LET_IN for each in as_list(principal["Service"]))
    )
