"""What is declared of a bucket, what its functions are granted, and what calls on objects are recorded as, are one."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import boto3
import httpx
import pytest
from botocore.config import Config

from cdk_app.local.ministack import MiniStack
from lambda_src.services.nbhd_city.tables import API, TABLES, WORKER
from tests.infra.with_a_bucket import PICTURES
from tests.support.recorded_operations import Operations, Recorder
from tests.support.recording import recording
from tests.support.roles import granted_to

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME: Final = PICTURES.environment_variable.lower()
FUNCTIONS: Final = {API: "ApiFunction", WORKER: "Worker"}


def show(s3: "S3Client", bucket: str) -> None:
    """An API signs what others use."""
    signed = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "uploads/a"})
    assert httpx.put(signed, content=b"painted", trust_env=False).is_success
    s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "shown/large/a"})


def finish(s3: "S3Client", bucket: str) -> None:
    """A worker looks at an upload, copies it to where it is shown, and tidies up."""
    assert s3.head_object(Bucket=bucket, Key="uploads/a")["ContentLength"] == 7
    s3.copy_object(Bucket=bucket, Key="shown/large/a", CopySource={"Bucket": bucket, "Key": "uploads/a"})
    for prefix in PICTURES.prefixes:
        assert s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix.name}/")["KeyCount"] == 1
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "shown/large/a"}]})
    s3.delete_object(Bucket=bucket, Key="uploads/a")


DONE: Final[Mapping[str, Callable[["S3Client", str], None]]] = {API: show, WORKER: finish}


@pytest.fixture(scope="module")
def recorded(cloud: MiniStack, dynamodb_endpoint: str) -> Recorder:
    with recording(
        tables=(), queues={}, secrets={}, buckets=(PICTURES,), cloud=cloud, dynamodb_endpoint=dynamodb_endpoint
    ) as made:
        s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
        for role, use in DONE.items():
            with made.recorder.acting(role):
                use(s3, made.addresses[NAME])
        return made.recorder


def declared(role: str) -> Operations:
    return {(f"{NAME}/{prefix}", f"s3:{action}") for prefix, action in PICTURES.rights(role)}


@pytest.mark.parametrize("role", DONE)
def test_what_is_done_with_objects_is_what_is_declared(recorded, role):
    assert recorded.operations[role] == declared(role)


@pytest.mark.parametrize("role", DONE)
def test_what_is_granted_on_objects_is_what_is_declared(with_a_bucket, role):
    names = {table.physical_name("prod"): table.name for table in TABLES}
    granted = granted_to(with_a_bucket["bucket-in-prod"].templates["NbhdCityApp"], FUNCTIONS[role], tables=names)
    assert {pair for pair in granted if pair[1].startswith("s3:")} == declared(role)


def test_a_key_below_no_prefix_is_recorded_as_it_is(recorded):
    bucket = next(iter(recorded._names))
    with recorded.acting("test"):
        recorded._note({"Bucket": bucket, "Key": "shown/small"}, "before-parameter-build.s3.PutObject")
    assert (f"{NAME}/shown/small", "s3:PutObject") in recorded.operations["test"]
