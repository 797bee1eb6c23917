"""Where long results of runs are stored."""

from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.objects import ObjectClient


@pytest.fixture(scope="module")
def bucket(cloud: MiniStack) -> Iterator[ObjectClient]:
    """A bucket on an emulated S3, of all tests of a module; each run has a key of its own."""
    made = ObjectClient(f"content-{uuid4()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", cloud.session)
        patch.setenv("AWS_ENDPOINT_URL", cloud.url)
        made._s3().create_bucket(Bucket=made.bucket)
    yield made
    made._s3().close()
