"""What a function stands in on AWS, or in the local cloud."""

from typing import Final

from lambda_src.dynamo.client import make_client
from lambda_src.runtime.observability import Metrics
from lambda_src.runtime.queue import QueueClient
from lambda_src.services.nbhd_city.bootstrap.common import Surroundings
from lambda_src.services.nbhd_city.settings import Settings

_READ_TIMEOUT_SECONDS: Final = 2.0  # three tries of a request without an answer end within the 20 s of the API function


def real_surroundings(settings: Settings, metrics: Metrics) -> Surroundings:
    """Only the DynamoDB client is made now, every other at its first use."""
    client = make_client(
        region=settings.dynamodb_region,
        endpoint_url=settings.dynamodb_endpoint,
        read_timeout_seconds=_READ_TIMEOUT_SECONDS,
    )
    return Surroundings(client=client, queue=QueueClient(), count=metrics.count, measure=metrics.milliseconds)
