"""What a service really asks of DynamoDB, by role: IAM actions per table and index, and repository methods."""

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
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Operations = set[tuple[str, str]]
"""(`table` or `table/index`, action without `dynamodb:`), tables by their declared names."""

# Actions of TransactWriteItems: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_OF_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class Recorder:
    """Notes what goes through a client and through repositories, for whoever is at work.

    client: one that nobody else uses. names: physical table names by declared ones.
    """

    def __init__(self, client: "DynamoDBClient", names: Mapping[str, str]) -> None:
        self.role = "api"
        self.operations: defaultdict[str, Operations] = defaultdict(set)
        self.methods: defaultdict[str, set[str]] = defaultdict(set)
        self._names = {physical: name for name, physical in names.items()}
        client.meta.events.register("before-parameter-build.dynamodb.*", self._note)

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
        operation = event_name.rpartition(".")[2]
        for table, action in _actions(operation, params):
            physical, slash, index = table.partition("/")
            self.operations[self.role].add((f"{self._names[physical]}{slash}{index}", action))


def granted(patterns: Mapping[Table, Sequence[AccessPattern]]) -> Operations:
    """What a role with these patterns may do."""
    return {
        pair
        for grant in grants_of(patterns)
        for pair in (
            *((grant.table.name, action) for action in grant.actions),
            *((f"{grant.table.name}/{index}", "Query") for index in grant.index_names),
        )
    }


def _actions(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            [(kind, action)] = item.items()
            yield action["TableName"], _OF_TRANSACTION[kind]
    elif "RequestItems" in params:
        for table in params["RequestItems"]:
            yield table, operation
    elif "IndexName" in params:
        yield f"{params['TableName']}/{params['IndexName']}", operation
    else:
        yield params["TableName"], operation
