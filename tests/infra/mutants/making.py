"""What a mutant is: the templates of an environment with a single fault, and the rule that must find it."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from cdk_app.services.registry import SERVICES
from lambda_src.dynamo.schema import Table
from tests.infra.gates.declared import RULE, is_route
from tests.infra.gates.model import Deployment, Resource, Stack
from tests.infra.gates.references import FUNCTION, TABLES, physical_name

WITHOUT_STREAM: Final = tuple(each.name for each in SERVICES if not any(table.stream for table in each.tables))


class NothingToBreak(Exception):
    """A service has no resource that this fault could be in."""


type Break = Callable[[Deployment], None]


@dataclass(frozen=True)
class Mutant:
    """break_ changes templates in place. The test shows that the change is one, and that the rule finds it.

    not_in: services that have nothing to break in this way. given: puts there what is broken, where no service has it
    yet.
    """

    name: str
    caught_by: str
    break_: Break
    environment: str
    not_in: tuple[str, ...] = ()
    given: Break = lambda _: None


def caught_by(rule: str, *, environment: str = "prod", **more: Any) -> Callable[[Break], Mutant]:
    """Make a mutant of a function that breaks something. more: see Mutant."""
    return lambda break_: Mutant(break_.__name__, rule, break_, environment, **more)


def pick(
    deployment: Deployment, resource_type: str | tuple[str, ...], having: Callable[[Resource], Any] = lambda _: True
) -> Resource:
    """The first resource of a type for which something holds. Raises NothingToBreak."""
    types = (resource_type,) if isinstance(resource_type, str) else resource_type
    found = next((resource for resource in deployment.of_type(*types) if having(resource)), None)
    if found is None:
        raise NothingToBreak(resource_type)
    return found


def function_of(deployment: Deployment, module: str) -> Resource:
    """The function of a module, `api` or `worker`. Raises NothingToBreak."""
    return pick(deployment, FUNCTION, lambda each: each.properties["Handler"].endswith(f".{module}.handler"))


def has(*path: str) -> Callable[[Resource], bool]:
    """Tells whether a resource has a property, or one inside another."""

    def check(resource: Resource) -> bool:
        value: Any = resource.properties
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value is not None

    return check


def lacking(declared: str) -> tuple[str, ...]:
    """Services that declare none of something, such as `buckets`, and so have nothing of it to break."""
    return tuple(service.name for service in SERVICES if not getattr(service, declared))


def a_schedule(deployment: Deployment) -> Resource:
    return pick(deployment, RULE, lambda each: not is_route(each))


def table_with_stream(deployment: Deployment) -> Resource:
    return pick(deployment, TABLES, has("StreamSpecification"))


def app_stack(deployment: Deployment) -> Stack:
    return pick(deployment, FUNCTION).stack


def data_stack(deployment: Deployment) -> Stack:
    return pick(deployment, TABLES).stack


def add(stack: Stack, logical_id: str, resource_type: str, **properties: Any) -> None:
    """Put one more resource into a stack."""
    stack.body["Resources"][logical_id] = {"Type": resource_type, "Properties": properties}


def remove(resource: Resource) -> None:
    """Take a resource out of its stack, and out of what waits for it."""
    del resource.stack.body["Resources"][resource.logical_id]
    for other in resource.stack.body["Resources"].values():
        waits_for = other.get("DependsOn")
        if isinstance(waits_for, list) and resource.logical_id in waits_for:
            waits_for.remove(resource.logical_id)


def changed(table: Table, **attributes: Any) -> Table:
    """The same declaration, its items and patterns included, but for these attributes."""
    anew = copy(table)
    for name, value in attributes.items():
        object.__setattr__(anew, name, value)
    return anew


def expire_by(deployment: Deployment, attribute: str) -> None:
    """Rename the TTL attribute of a table in its declaration, from where its template has it."""
    table = pick(deployment, TABLES, has("TimeToLiveSpecification"))
    table.properties["TimeToLiveSpecification"]["AttributeName"] = attribute
    name = physical_name(table)
    deployment.declared = tuple(
        changed(each, ttl=attribute) if each.physical_name(deployment.environment.name) == name else each
        for each in deployment.declared
    )
