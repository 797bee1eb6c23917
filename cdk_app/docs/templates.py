"""The templates of a service as resources that speak of each other.

Reads what synthesis wrote. A value in a template names another resource by `Ref`, by `Fn::GetAtt`, by an output of
another stack, or by its physical name at the end of an ARN; `Templates.named_in` understands all four.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

PHYSICAL_NAMES: Final = ("TableName", "QueueName", "TopicName", "BucketName", "FunctionName", "Name")
_HASH: Final = re.compile(r"[0-9A-F]{8}$")  # what the CDK appends to a logical id
_UNKNOWN: Final = "\N{SYMBOL FOR SUBSTITUTE}"  # stands for a value that only the deployment knows


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One resource of one stack. Two are equal when they are the same object."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    update_policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its logical id without the hash, `ProcessingDeadLetters`: stable, and free of environment and machine."""
        return _HASH.sub("", self.logical_id)


@dataclass(frozen=True)
class Templates:
    """All templates of one service. bodies: by stack name, the stack that keeps before the stack that runs."""

    environment: str
    bodies: Mapping[str, Mapping[str, Any]]

    @cached_property
    def resources(self) -> Sequence[Resource]:
        """Every resource, in the order of the templates."""
        return [
            Resource(stack, logical_id, body["Type"], body.get("Properties", {}), body.get("UpdatePolicy", {}))
            for stack, template in self.bodies.items()
            for logical_id, body in template["Resources"].items()
        ]

    def of_type(self, *types: str) -> list[Resource]:
        """The resources of some types."""
        return [resource for resource in self.resources if resource.type in types]

    def named_in(self, value: object, stack: str) -> list[Resource]:
        """The resources that a value in a template of `stack` speaks of, each once."""
        found = [*self._referred(value, stack), *self._written_out(value)]
        return list(dict.fromkeys(found))

    @cached_property
    def _by_id(self) -> Mapping[tuple[str, str], Resource]:
        return {(resource.stack, resource.logical_id): resource for resource in self.resources}

    @cached_property
    def _by_physical_name(self) -> Mapping[str, Resource]:
        named = ((resource.properties.get(key), resource) for key in PHYSICAL_NAMES for resource in self.resources)
        return {name: resource for name, resource in named if isinstance(name, str)}

    def _referred(self, value: object, stack: str) -> Iterator[Resource]:
        if isinstance(value, list):
            for part in value:
                yield from self._referred(part, stack)
        if not isinstance(value, Mapping):
            return
        for key, inner in value.items():
            match key, inner:
                case ("Ref", str(logical_id)) | ("Fn::GetAtt", [str(logical_id), *_]):
                    resource = self._by_id.get((stack, logical_id))
                    if resource is not None:
                        yield resource
                case "Fn::GetStackOutput", {"StackName": str(other), "OutputName": str(output)}:
                    yield from self._referred(self.bodies[other]["Outputs"][output]["Value"], other)
                case "Fn::ImportValue", str(export):
                    yield from self._exported(export)
                case _:
                    yield from self._referred(inner, stack)

    def _exported(self, name: str) -> Iterator[Resource]:
        for stack, template in self.bodies.items():
            for output in template.get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == name:
                    yield from self._referred(output["Value"], stack)

    def _written_out(self, value: object) -> Iterator[Resource]:
        for text in texts(value):
            for name, resource in self._by_physical_name.items():
                if text.startswith("arn:") and re.search(rf"[:/]{re.escape(name)}(?=$|[/:])", text):
                    yield resource


def texts(value: object) -> Iterator[str]:
    """Every text in a value; an `Fn::Join` is one text, with a sign where only the deployment knows the part."""
    match value:
        case str():
            yield value
        case {"Fn::Join": [str(separator), list(parts)]}:
            yield separator.join(part if isinstance(part, str) else _UNKNOWN for part in parts)
        case Mapping():
            for inner in value.values():
                yield from texts(inner)
        case list():
            for inner in value:
                yield from texts(inner)


def read_templates(assembly: Path, *, environment: str, stacks: Sequence[str]) -> Templates:
    """The templates of some stacks, named as in CloudFormation, from the cloud assembly of their environment."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    files = {
        name: artifact["properties"]["templateFile"]
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    by_name = {_stack_name(name, manifest): file for name, file in files.items()}
    return Templates(
        environment, {name: json.loads((assembly / by_name[name]).read_text(encoding="utf-8")) for name in stacks}
    )


def _stack_name(artifact: str, manifest: Mapping[str, Any]) -> str:
    properties = manifest["artifacts"][artifact]["properties"]
    return str(properties.get("stackName", artifact))
