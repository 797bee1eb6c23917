"""Tables, queues and secrets of a service for one scenario, with every call to AWS recorded."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import boto3
import pytest

from cdk_app.local.ministack import QUICK, MiniStack, local_session
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import Table
from lambda_src.runtime.buckets import Bucket
from lambda_src.runtime.secrets import Secret
from tests.support.mirrored_queue import MirroredQueue
from tests.support.played import PlayedService, Sent
from tests.support.recorded_operations import Recorder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sqs.client import SQSClient


@dataclass(frozen=True, slots=True)
class Recording:
    """What a scenario runs on.

    recorder: the client of its tables. engine: what stands below it, for looking without being seen. tables: physical
    names by declared ones. addresses: URLs of queues, ARNs of secrets and names of buckets by the setting that names
    them. receiver: takes messages as Lambda does, and is not recorded.
    """

    recorder: Recorder
    engine: "DynamoDBClient"
    tables: Mapping[str, str]
    addresses: Mapping[str, str]
    receiver: "SQSClient"

    def options(self, secrets: Iterable[str]) -> dict[str, Any]:
        """What a played service is made with. secrets: by the setting that names them; it reads them itself."""
        return {
            "client": self.engine,
            "engine": self.recorder,
            "names": self.tables,
            "queue": MirroredQueue(self.receiver),
            "more_secrets": {self.addresses[name]: Secret(self.addresses[name]) for name in secrets},
        }


class ToldApart(PlayedService[Any]):
    """A service whose worker's deliveries are recorded as the worker's, whoever acts otherwise.

    recorder: is there before the service is. worker_role: as `tables.py` calls it.
    """

    recorder: Recorder
    worker_role: ClassVar[str] = "worker"

    def deliver(self, *messages: Sent, **options: Any) -> list[str]:
        with self.recorder.acting(self.worker_role):
            return super().deliver(*messages, **options)

    def scheduled(self, task: str) -> None:
        with self.recorder.acting(self.worker_role):
            super().scheduled(task)


@contextmanager
def recording(
    *,
    tables: Sequence[Table],
    queues: Mapping[str, str],
    secrets: Mapping[str, object],
    cloud: MiniStack,
    dynamodb_endpoint: str,
    buckets: Sequence[Bucket] = (),
    jobs: str = "",
) -> Iterator[Recording]:
    """Make everything, and let boto3's default session lead to it and to the recorder while inside.

    queues, secrets: names of queues and values of secrets by the setting that names them. jobs: see `Recorder`.
    """
    names = {table.name: f"{table.base_name}-{uuid4()}" for table in tables}
    receiver = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
    addresses = {setting: receiver.create_queue(QueueName=name)["QueueUrl"] for setting, name in queues.items()}
    keeper = cloud.session.client("secretsmanager", endpoint_url=cloud.url, config=QUICK)
    for setting, value in secrets.items():
        addresses[setting] = keeper.create_secret(Name=setting, SecretString=json.dumps(value))["ARN"]
    storage = cloud.session.client("s3", endpoint_url=cloud.url, config=QUICK)
    for bucket in buckets:
        addresses[bucket.environment_variable.lower()] = name = f"{bucket.name.lower()}-{uuid4()}"
        storage.create_bucket(Bucket=name)
    engine = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    recorder = Recorder(Boto3Client(engine), {**names, **addresses}, tables, buckets, jobs)
    session = local_session()
    recorder.listen(session.events)
    with pytest.MonkeyPatch.context() as patch, recorder.acting("test"):
        patch.setattr(boto3, "DEFAULT_SESSION", session)
        patch.setenv("AWS_ENDPOINT_URL", cloud.url)
        for table in tables:
            engine.create_table(**create_table_input(table, names[table.name]))
        try:
            yield Recording(recorder, engine, names, addresses, receiver)
        finally:
            for name in names.values():
                engine.delete_table(TableName=name)
            engine.close()
