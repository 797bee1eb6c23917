"""The service over a fresh table: `new_house()` makes one, with settings by name."""

from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.objects import ObjectClient
from lambda_src.services.yoto_smart_stream.tables import TABLES
from tests.support.played import played
from tests.support.yoto_smart_stream import MakeHouse, PlayedHouse
from tests.support.yoto_uploads import MakeStudio, Studio


@pytest.fixture
def new_house(dynamodb_client, make_tables) -> Iterator[MakeHouse]:
    """See `played`."""
    with played(PlayedHouse, dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make


@pytest.fixture(scope="module")
def bucket(cloud: MiniStack) -> Iterator[ObjectClient]:
    """A bucket on an emulated S3, of all tests of a module; each ticket writes under keys of its own."""
    made = ObjectClient(f"yoto-{uuid4()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", cloud.session)
        patch.setenv("AWS_ENDPOINT_URL", cloud.url)
        made._s3().create_bucket(Bucket=made.bucket)
    yield made
    made._s3().close()


@pytest.fixture
def new_studio(new_house, bucket) -> MakeStudio:
    """`new_studio()` is the service over a fresh table with a bucket: see `Studio`."""
    return lambda **options: Studio(new_house, bucket, **options)
