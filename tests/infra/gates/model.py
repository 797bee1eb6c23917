"""What a rule is, and what it looks at: the templates of one environment as plain JSON.

A rule is a name, a reason and a function that yields what is wrong. It may ask the environment's values and the
services' declarations, and never the name of a service, so that it holds for whatever is deployed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cdk_app.environments import Environment
from cdk_app.services.service import Service
from lambda_src.dynamo.schema import Table

type Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource of a template. Changing `properties` changes the template: that is what the mutants do."""

    stack: "Stack"
    logical_id: str
    body: Json

    @property
    def type(self) -> str:
        return str(self.body["Type"])

    @property
    def properties(self) -> Json:
        properties: Json = self.body.setdefault("Properties", {})
        return properties

    def __str__(self) -> str:
        return f"{self.stack}/{self.logical_id}"


@dataclass
class Stack:
    """One synthesised stack. name: within its environment; full_name: as CloudFormation knows it."""

    name: str
    full_name: str
    body: Json
    is_protected: bool = False

    @property
    def resources(self) -> dict[str, Resource]:
        """By logical id."""
        return {name: Resource(self, name, body) for name, body in self.body["Resources"].items()}

    def resource(self, logical_id: str) -> Resource | None:
        body = self.body["Resources"].get(logical_id)
        return None if body is None else Resource(self, logical_id, body)

    def __str__(self) -> str:
        return self.full_name


@dataclass(frozen=True)
class Asset:
    """A zip file that functions run from. names: of its files. sources: text of our own modules in it."""

    names: frozenset[str]
    sources: str


@dataclass
class Deployment:
    """Everything that one environment deploys.

    assets: by the hash that stands in `S3Key`. released: what is kept of the last release, by stack name. declared: the
    tables that the services say they have. services: what else they say. promises: to people, by package.
    """

    environment: Environment
    stacks: dict[str, Stack]
    assets: Mapping[str, Asset] = field(default_factory=dict)
    released: Mapping[str, Json] = field(default_factory=dict)
    declared: tuple[Table, ...] = ()
    services: tuple[Service, ...] = ()
    promises: Mapping[str, Json] = field(default_factory=dict)

    def of_type(self, *types: str) -> Iterator[Resource]:
        """Resources of some types, in all stacks."""
        for stack in self.stacks.values():
            for logical_id, body in list(stack.body["Resources"].items()):
                if body["Type"] in types:
                    yield Resource(stack, logical_id, body)

    def stack_of_full_name(self, full_name: str) -> Stack | None:
        return next((stack for stack in self.stacks.values() if stack.full_name == full_name), None)

    def service_of(self, stack: Stack) -> Service | None:
        """Whose stack it is."""
        names = {name: each for each in self.services for name in each.stack_names(self.environment.name)}
        return names.get(stack.full_name)

    def of_service(self, service: Service) -> "Deployment":
        """One service alone: what is changed in its stacks is changed in this deployment."""
        stacks = {name: stack for name, stack in self.stacks.items() if self.service_of(stack) is service}
        declared = tuple(table for table in self.declared if table in service.tables)
        return replace(self, stacks=stacks, declared=declared)

    def copy(self) -> "Deployment":
        """The same with templates of its own, so that they can be broken."""
        stacks = {
            name: Stack(name, stack.full_name, json.loads(json.dumps(stack.body)), stack.is_protected)
            for name, stack in self.stacks.items()
        }
        return replace(self, stacks=stacks)

    def fingerprint(self) -> str:
        """Differs when anything that a rule can see differs."""
        stacks = {stack.full_name: [stack.body, stack.is_protected] for stack in self.stacks.values()}
        declared = [(table.name, table.ttl, table.stream) for table in self.declared]
        return json.dumps([stacks, self.released, declared, sorted(self.assets)], sort_keys=True)


@dataclass(frozen=True)
class Finding:
    """Something wrong: which rule says so, about which resource or stack, and what it is."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"[{self.rule}] {self.where}: {self.what}"


type Complaints = Iterator[tuple[Resource | Stack, str]]
type Check = Callable[[Deployment], Complaints]


@dataclass(frozen=True)
class Rule:
    """A name, the reason why it is a rule, and the check. not_local: why the environment on this machine is exempt."""

    name: str
    reason: str
    check: Check
    not_local: str = ""

    def findings(self, deployment: Deployment) -> list[Finding]:
        if self.not_local and deployment.environment.on_this_machine:
            return []
        return [Finding(self.name, str(where), what) for where, what in self.check(deployment)]


def rule(name: str, reason: str, *, not_local: str = "") -> Callable[[Check], Rule]:
    """Make a rule of a check."""
    return lambda check: Rule(name, reason, check, not_local)


def released_stacks(folder: Path) -> dict[str, Json]:
    """What is kept of the last release of an environment, by stack name."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}
