"""What is declared of a bucket, what its functions are granted, and what calls on objects are recorded as, are one."""

from collections.abc import Callable, Mapping
from typing import Final

import httpx
import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.buckets import Bucket, Prefix
from lambda_src.runtime.objects import ObjectClient
from lambda_src.services.yoto_smart_stream.tables import API, AUDIO_BUCKET, TABLES, WORKER
from tests.support.recorded_operations import Operations, Recorder
from tests.support.recording import recording
from tests.support.roles import granted_to

# Every action there is, below prefixes of one part and of two.
PICTURES: Final = Bucket(
    "Pictures",
    environment_variable="PICTURES_BUCKET_NAME",
    prefixes=(
        Prefix("uploads", {API: ("PutObject",), WORKER: ("GetObject", "DeleteObject", "ListBucket")}, days_kept=1),
        Prefix("shown/large", {API: ("GetObject",), WORKER: ("PutObject", "DeleteObject", "ListBucket")}),
    ),
)
NAME: Final = PICTURES.environment_variable.lower()
FUNCTIONS: Final = {API: "ApiFunction", WORKER: "Worker"}


def show(bucket: ObjectClient) -> None:
    """An API signs what others use."""
    form = bucket.form("uploads/a", content_type="image/png", max_bytes=7, seconds=60)
    assert httpx.post(form.url, data=form.fields, files={"file": b"painted"}, trust_env=False).is_success
    bucket.sign("shown/large/a", seconds=60, content_type="image/png", filename="a.png")


def finish(bucket: ObjectClient) -> None:
    """A worker looks at an upload, copies it to where it is shown, and tidies up."""
    tag = bucket.head("uploads/a").tag
    assert bucket.read_range("uploads/a", 0, 5) == b"paint"
    bucket.copy("uploads/a", "shown/large/a", tag=tag, content_type="image/png")
    for prefix in PICTURES.prefixes:
        assert [each.size_bytes for each in bucket.listed(f"{prefix.name}/")] == [7]
    bucket.delete_several(["shown/large/a"])
    bucket.delete("uploads/a")


DONE: Final[Mapping[str, Callable[[ObjectClient], None]]] = {API: show, WORKER: finish}


@pytest.fixture(scope="module")
def recorded(cloud: MiniStack, dynamodb_endpoint: str) -> Recorder:
    with recording(
        tables=(), queues={}, secrets={}, buckets=(PICTURES,), cloud=cloud, dynamodb_endpoint=dynamodb_endpoint
    ) as made:
        for role, use in DONE.items():
            with made.recorder.acting(role):
                use(ObjectClient(made.addresses[NAME]))
        return made.recorder


def declared(bucket: Bucket, role: str) -> Operations:
    name = bucket.environment_variable.lower()
    return {(f"{name}/{prefix}", f"s3:{action}") for prefix, action in bucket.rights(role)}


@pytest.mark.parametrize("role", DONE)
def test_what_is_done_with_objects_is_what_is_declared(recorded, role):
    assert recorded.operations[role] == declared(PICTURES, role)


@pytest.mark.parametrize("role", DONE)
def test_what_is_granted_on_objects_is_what_is_declared(deployed, role):
    names = {table.physical_name(deployed.environment): table.name for table in TABLES}
    granted = granted_to(deployed.templates["YotoSmartStreamApp"], FUNCTIONS[role], tables=names)
    assert {pair for pair in granted if pair[1].startswith("s3:")} == declared(AUDIO_BUCKET, role)


def test_a_key_below_no_prefix_is_recorded_as_it_is(recorded):
    bucket = next(iter(recorded._names))
    with recorded.acting("test"):
        recorded._note({"Bucket": bucket, "Key": "shown/small"}, "before-parameter-build.s3.PutObject")
    assert (f"{NAME}/shown/small", "s3:PutObject") in recorded.operations["test"]
