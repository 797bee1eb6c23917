"""A bucket of its own on the emulated S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import boto3
import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.objects import ObjectClient


@contextmanager
def emulated_bucket(cloud: MiniStack, name: str) -> Iterator[ObjectClient]:
    """While it is open, buckets of clients that are made are those of the emulator."""
    made = ObjectClient(f"{name}-{uuid4()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", cloud.session)
        patch.setenv("AWS_ENDPOINT_URL", cloud.url)
        made._s3().create_bucket(Bucket=made.bucket)
    yield made
    made._s3().close()
