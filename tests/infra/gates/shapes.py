"""A rule about what templates may say at all: every property was chosen once, by being put on a list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.infra.gates.model import Complaints, Deployment, Resource, rule

# By resource type; `.` leads into a value, also of each element of a list. Renewed by hand: a new line is a decision.
LIST: Final = Path(__file__).with_name("properties.json")
# What CloudFormation leaves to us inside, and other rules look at.
FREE: Final = {
    "PolicyDocument",
    "AssumeRolePolicyDocument",
    "Environment.Variables",
    "EventPattern",
    "Tags",
    "ResourceTags",
    "RouteSettings",
    "DashboardBody",
}


PARTS: Final = {"Conditions", "Description", "Outputs", "Parameters", "Resources", "Rules"}


def chosen() -> dict[str, list[str]]:
    listed: dict[str, list[str]] = json.loads(LIST.read_text(encoding="utf-8"))
    return listed


def property_names(value: Any, path: str = "") -> Iterator[str]:
    """Every name in a value with those around it; what only deployment knows has none."""
    if isinstance(value, list):
        for part in value:
            yield from property_names(part, path)
    elif isinstance(value, dict) and path not in FREE and not _is_function(value):
        for name, part in value.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from property_names(part, inner)


def _is_function(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def names_in(resource: Resource) -> set[str]:
    """Its properties, and in brackets what else stands beside its type."""
    beside = resource.body.keys() - {"Type", "Properties", "Metadata", "DependsOn"}
    return {*property_names(resource.properties), *(f"({name})" for name in beside)}


@rule("properties-are-chosen", "Most properties that nobody thought of change who may do what, or what is lost")
def properties_are_chosen(deployment: Deployment) -> Complaints:
    known = chosen()
    for stack in deployment.stacks.values():
        for resource in stack.resources.values():
            if resource.type not in known:
                yield resource, f"is a {resource.type}, which is not in {LIST.name}"
            for name in sorted(names_in(resource) - set(known.get(resource.type, ()))):
                yield resource, f"sets {name}, which is not in {LIST.name}"
        for part in sorted(stack.body.keys() - PARTS):
            yield stack, f"has {part}, which changes what all of it means"
