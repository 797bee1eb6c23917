"""What a service asks of AWS, by role: IAM actions per table, index, queue and secret, and repository methods."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

from lambda_src.dynamo.render import grants_of
from lambda_src.dynamo.schema import AccessPattern, Table
from tests.support.services import public_methods, repository_classes

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks

type Operations = set[tuple[str, str]]
"""(place, action): `table`, `table/index`, queue or secret by the name it was given; for example `dynamodb:Query`."""

# Actions of TransactWriteItems: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_OF_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


_PREFIXES = {"secrets-manager": "secretsmanager"}  # botocore's name of a service, where IAM has another


class Recorder:
    """Notes what goes through AWS clients and through repositories, for whoever is at work.

    names: physical names of tables, URLs of queues and ids of secrets, by the names they are noted under.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.role = "api"
        self.operations: defaultdict[str, Operations] = defaultdict(set)
        self.methods: defaultdict[str, set[str]] = defaultdict(set)
        self._names = {physical: name for name, physical in names.items()}

    def listen(self, events: "BaseEventHooks | Any") -> None:
        """Note the calls of a client, or of every client that a session makes from now on: its `events`."""
        events.register("before-parameter-build", self._note)

    @contextmanager
    def acting(self, role: str) -> Iterator[None]:
        """What happens inside is done by this role."""
        before, self.role = self.role, role
        try:
            yield
        finally:
            self.role = before

    def watch_repositories(self, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for cls in repository_classes(service):
            for name, method in public_methods(cls).items():
                monkeypatch.setattr(cls, name, self._noting(name, method))

    def _noting[**P, T](self, name: str, method: Callable[P, T]) -> Callable[P, T]:
        @wraps(method)
        def noted(*args: P.args, **kwargs: P.kwargs) -> T:
            self.methods[self.role].add(name)
            return method(*args, **kwargs)

        return noted

    def _note(self, params: Mapping[str, Any], event_name: str, **_: object) -> None:
        service, operation = event_name.split(".")[1:]
        for place, index, action in _actions(service, operation, params):
            name = self._names[place] + (f"/{index}" if index else "")
            self.operations[self.role].add((name, f"{_PREFIXES.get(service, service)}:{action}"))


def granted(patterns: Mapping[Table, Sequence[AccessPattern]]) -> Operations:
    """What a role with these patterns may do."""
    return {
        pair
        for grant in grants_of(patterns)
        for pair in (
            *((grant.table.name, f"dynamodb:{action}") for action in grant.actions),
            *((f"{grant.table.name}/{index}", "dynamodb:Query") for index in grant.index_names),
        )
    }


def _actions(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(place, index or nothing, IAM action without its service) of one call."""
    if service == "sqs":
        yield params["QueueUrl"], "", operation.removesuffix("Batch")
    elif service == "secrets-manager":
        yield params["SecretId"], "", operation
    elif operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            [(kind, action)] = item.items()
            yield action["TableName"], "", _OF_TRANSACTION[kind]
    elif "RequestItems" in params:
        for table in params["RequestItems"]:
            yield table, "", operation
    else:
        yield params["TableName"], params.get("IndexName", ""), operation
