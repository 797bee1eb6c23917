"""Where long results of runs are stored."""

from collections.abc import Iterator

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.objects import ObjectClient
from tests.support.buckets import emulated_bucket


@pytest.fixture(scope="module")
def bucket(cloud: MiniStack) -> Iterator[ObjectClient]:
    """A bucket on an emulated S3, of all tests of a module; each run has a key of its own."""
    with emulated_bucket(cloud, "content") as made:
        yield made
