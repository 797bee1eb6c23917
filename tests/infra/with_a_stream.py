"""A service as it would hear of its table's changes, while no service of the product does: for rules and mutants.

nbhd.city with a stream on its table, which a second worker reads.
"""

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from aws_cdk import Duration
from constructs import Construct

from cdk_app.constructs.alarms import ServiceAlarms
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.queue_worker import allow
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.stream_consumer import StreamConsumer
from cdk_app.environments import Environment
from cdk_app.services.nbhd_city.stacks import BUNDLE, WORKER_SIZE, NbhdCityApp, NbhdCityData
from cdk_app.services.registry import NBHD_CITY
from cdk_app.services.service import Service
from lambda_src.dynamo.schema import Table
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.settings import WorkerSettings


def _with_stream(table: Table) -> Table:
    anew = copy(table)  # with the items and patterns, which `replace` would leave behind
    object.__setattr__(anew, "stream", "NEW_AND_OLD_IMAGES")
    return anew


MAIN: Final = _with_stream(tables.MAIN)
TABLES: Final = (MAIN, *(table for table in tables.TABLES if table is not tables.MAIN))
SERVICES: Final[Sequence[Service]] = (
    replace(NBHD_CITY, tables=TABLES, data_stack=f"{__name__}:Data", app_stack=f"{__name__}:App"),
)
EXPIRED: Final = {
    "eventName": ["REMOVE"],
    "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
    "dynamodb": {"OldImage": {"entity_type": {"S": ["task"]}}},
}
JOINED: Final = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"migration": {"S": [{"exists": False}]}}}}


class Data(NbhdCityData):
    """The same, its table with a stream."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        with patch.object(tables, "TABLES", TABLES):
            super().__init__(scope, construct_id, environment=environment)


class App(NbhdCityApp):
    """The same with a function that hears of changes."""

    def _operate(self, environment: Environment, data: NbhdCityData) -> None:
        self._changes = StreamConsumer(self, "Changes", stream_arn=data.tables.stream_arn(MAIN))
        values = self._shared_values(environment, data) | {"nbhd_task_dlq_url": self.tasks.dead_letters.queue_url}
        self._reader = ServiceFunction(
            self,
            "ChangesFunction",
            handler=BUNDLE.handler("worker"),
            size=WORKER_SIZE,
            settings=WorkerSettings.model_validate(values),
            environment=environment,
        )
        data.tables.grant_access(self._reader.role, asked_by=tables.WORKER)
        self.tasks.grant_send(self._reader.role)
        allow(self._reader.role, ("sqs:SendMessage",), self.tasks.dead_letters)
        self._changes.feed(
            self._reader, filters=(EXPIRED, JOINED), batch_size=100, window=Duration.seconds(5), at_once=10
        )
        super()._operate(environment, data)

    def _all(self, parts: ServiceParts) -> ServiceParts:
        return replace(parts, functions={**parts.functions, "Changes": self._reader}, consumers=[self._changes])

    def watch_parts(self, parts: ServiceParts) -> ServiceAlarms:
        return super().watch_parts(self._all(parts))

    def show_parts(self, parts: ServiceParts, alarms: ServiceAlarms, *, service: str) -> None:
        super().show_parts(self._all(parts), alarms, service=service)

    def add_outputs(self, parts: ServiceParts) -> None:
        super().add_outputs(self._all(parts))


def promises(promised: Mapping[str, Any]) -> dict[str, Any]:
    """What nbhd.city promised, and what it would promise then."""
    of_function = "{} in 300 s of AWS/Lambda {} (FunctionName ChangesFunction) >= {}, 1 of 1, silence is well"
    of_letters = "Maximum in 300 s of AWS/SQS ApproximateNumberOfMessagesVisible (QueueName ChangesDeadLetters)"
    more: dict[str, dict[str, Any]] = {
        "functions": {"ChangesFunction": "256 MB, 60 s"},
        "queues": {"ChangesDeadLetters": "hidden for 30 s, kept for people, 14 days"},
        "feeds": {
            "ChangesFeed": [
                "batches of 100 within 5 s, 10 at once, to ChangesFunction",
                "from TRIM_HORIZON, 10000 retries within 86400 s, then to ChangesDeadLetters",
                json.dumps(EXPIRED, sort_keys=True),
                json.dumps(JOINED, sort_keys=True),
            ]
        },
        "alarms": {
            "ChangesAgeAlarm": of_function.format("Maximum", "IteratorAge", "3.6e+06"),
            "ChangesDeadLettersAlarm": f"{of_letters} >= 1, 1 of 1, silence is well",
            "ChangesFunctionDurationAlarm": of_function.format("Maximum", "Duration", "57000"),
            "ChangesFunctionErrorsAlarm": of_function.format("Sum", "Errors", "1"),
            "ChangesFunctionThrottlesAlarm": of_function.format("Sum", "Throttles", "1"),
        },
    }
    of_app = ("ChangesDeadLetterQueueUrl", "ChangesFunctionName", "ChangesLogGroup")
    outputs = {
        "Data": [*promised["outputs"]["Data"], "TableStreamArn"],
        "App": [*promised["outputs"]["App"], *of_app],
    }
    return {**promised, **{name: {**promised.get(name, {}), **part} for name, part in more.items()}, "outputs": outputs}
