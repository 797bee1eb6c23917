"""Tables, queues and secrets of a service for one scenario, with every call to AWS recorded."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest

from cdk_app.local.ministack import QUICK, MiniStack, local_session
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import Table
from tests.support.recorded_operations import Recorder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sqs.client import SQSClient


@dataclass(frozen=True, slots=True)
class Recording:
    """What a scenario runs on.

    tables: physical names by declared ones. addresses: URLs of queues and ARNs of secrets by the setting that names
    them. receiver: takes messages as Lambda does, and is not recorded.
    """

    recorder: Recorder
    client: "DynamoDBClient"
    tables: Mapping[str, str]
    addresses: Mapping[str, str]
    receiver: "SQSClient"


@contextmanager
def recording(
    service: str,
    *,
    tables: Sequence[Table],
    queues: Mapping[str, str],
    secrets: Mapping[str, object],
    cloud: MiniStack,
    dynamodb_endpoint: str,
) -> Iterator[Recording]:
    """Make everything, and let boto3's default session lead to it and to the recorder while inside.

    service: its package. queues, secrets: names of queues and values of secrets by the setting that names them.
    """
    names = {table.name: f"{table.seed_name}-{uuid4()}" for table in tables}
    receiver = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
    addresses = {setting: receiver.create_queue(QueueName=name)["QueueUrl"] for setting, name in queues.items()}
    keeper = cloud.session.client("secretsmanager", endpoint_url=cloud.url, config=QUICK)
    for setting, value in secrets.items():
        addresses[setting] = keeper.create_secret(Name=setting, SecretString=json.dumps(value))["ARN"]
    recorder = Recorder({**names, **addresses})
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    recorder.listen(client.meta.events)
    session = local_session()
    recorder.listen(session.events)
    with pytest.MonkeyPatch.context() as patch, recorder.acting("test"):
        patch.setattr(boto3, "DEFAULT_SESSION", session)
        patch.setenv("AWS_ENDPOINT_URL", cloud.url)
        recorder.watch_repositories(service, patch)
        for table in tables:
            client.create_table(**create_table_input(table, names[table.name]))
        try:
            yield Recording(recorder, client, names, addresses, receiver)
        finally:
            for name in names.values():
                client.delete_table(TableName=name)
            client.close()
