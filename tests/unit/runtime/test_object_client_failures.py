"""The client of a bucket against a server that answers as S3 does on a bad day, and what its signatures last for."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.utils import ContainerMetadataFetcher

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.objects import ObjectChanged, ObjectClient, ObjectMissing, s3_client
from tests.support.answering_server import AnsweringServer, Written

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW: Final = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)
WHERE: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"  # how Lambda hands them out where it takes snapshots

CALLS: Final[dict[str, Callable[[ObjectClient], object]]] = {
    "head": lambda bucket: bucket.head("a"),
    "read_range": lambda bucket: bucket.read_range("a", 0, 64),
    "read": lambda bucket: bucket.read("a", max_bytes=99),
    "download": lambda bucket: bucket.download("a", io.BytesIO(), max_bytes=99),
    "copy": lambda bucket: bucket.copy("a", "b", tag="0", content_type="audio/mpeg"),
    "put": lambda bucket: bucket.put("a", b"x", content_type="audio/mpeg"),
    "delete": lambda bucket: bucket.delete("a"),
    "delete_several": lambda bucket: bucket.delete_several(["a", "b"]),
    "listed": lambda bucket: bucket.listed("a/"),
}
OF_ONE_OBJECT: Final = ("head", "read_range", "read", "download", "copy")
OF_A_TAG: Final = ("read_range", "read", "download", "copy")


def refusal(status: int, code: str) -> Written:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>No</Message></Error>"
    return Written(status, body.encode(), {"content-type": "application/xml"})


def credentials_until(instant: datetime) -> Written:
    """What an endpoint of container credentials says."""
    said = {
        "AccessKeyId": "AKIDEXAMPLE",
        "SecretAccessKey": "secret",
        "Token": "token",
        "Expiration": instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return Written(body=json.dumps(said).encode(), headers={"content-type": "application/json"})


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringServer]:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with AnsweringServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        yield server


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """One for all tests that do not mind: what it knows of S3 takes 0.1 s to read."""
    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")


@pytest.fixture
def bucket(s3: AnsweringServer, session: boto3.Session, request: pytest.FixtureRequest) -> Iterator[ObjectClient]:
    """Its client tries once, and waits for 10 s or as long as the test says."""
    config = Config(
        read_timeout=getattr(request, "param", 10),
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    client: S3Client = session.client("s3", endpoint_url=s3.url, config=config)
    yield ObjectClient("sample", lambda: client)
    client.close()


def test_nothing_is_created_before_the_first_call():
    ObjectClient("sample", lambda: pytest.fail("no client is needed yet"))


@pytest.mark.parametrize("call", OF_ONE_OBJECT)
@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchKey"), (403, "AccessDenied")])
def test_a_missing_object_is_missing_whatever_s3_may_say_of_it(bucket, s3, call, status, code):
    s3.answer = refusal(status, code)
    with pytest.raises(ObjectMissing) as caught:
        CALLS[call](bucket)
    assert not caught.value.retryable


@pytest.mark.parametrize("call", OF_A_TAG)
def test_an_object_with_another_tag_is_a_changed_one(bucket, s3, call):
    s3.answer = refusal(412, "PreconditionFailed")
    with pytest.raises(ObjectChanged) as caught:
        CALLS[call](bucket)
    assert not caught.value.retryable


@pytest.mark.parametrize("call", ["put", "delete", "delete_several", "listed"])
def test_a_right_that_is_missing_is_no_missing_object(bucket, s3, call):
    s3.answer = refusal(403, "AccessDenied")
    with pytest.raises(StoreUnavailable):
        CALLS[call](bucket)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        refusal(500, "InternalError"),
        refusal(503, "SlowDown"),
        refusal(400, "ExpiredToken"),
        Written(500, b"<html>Sorry</html>"),
    ],
    ids=["internal error", "slow down", "expired token", "page"],
)
def test_everything_else_is_worth_another_try(bucket, s3, call, answer):
    s3.answer = answer
    with pytest.raises(StoreUnavailable) as caught:
        CALLS[call](bucket)
    assert (caught.value.retryable, caught.value.retry_after_seconds) == (True, 1)


@pytest.mark.parametrize("call", [name for name in CALLS if name != "head"])
@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchBucket"), (403, "SignatureDoesNotMatch")])
def test_a_bucket_that_is_missing_or_a_bad_signature_is_no_missing_object(bucket, s3, call, status, code):
    s3.answer = refusal(status, code)
    with pytest.raises(StoreUnavailable):
        CALLS[call](bucket)


@pytest.mark.parametrize("bucket", [0.2], indirect=True)
@pytest.mark.parametrize("call", [name for name in CALLS if name not in ("head", "delete")])  # which have no body
def test_a_body_that_never_comes_is_worth_another_try(bucket, s3, call):
    s3.answer = Written(promised_bytes=5, is_held=True)
    with pytest.raises(StoreUnavailable):
        CALLS[call](bucket)


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_not_there_is_worth_another_try(bucket, s3, call):
    bucket._s3()
    s3.stop()
    with pytest.raises(StoreUnavailable):
        CALLS[call](bucket)


@pytest.mark.parametrize("call", ["read_range", "read", "download"])
def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(bucket, s3, call):
    s3.answer = Written(body=b"half", headers={"etag": '"0"'}, promised_bytes=64)
    with pytest.raises(StoreUnavailable):
        CALLS[call](bucket)


def test_a_body_whose_checksum_is_another_is_not_taken(bucket, s3):
    s3.answer = Written(body=b"damaged", headers={"etag": '"0"', "x-amz-checksum-crc32": "AAAAAA=="})
    for call in ("read", "download"):
        with pytest.raises(StoreUnavailable):
            CALLS[call](bucket)


@pytest.mark.parametrize("call", ["head", "put", "copy", "listed"])
def test_an_answer_that_is_not_of_s3_is_no_promise(bucket, s3, call):
    s3.answer = Written(body=b"<Welcome/>")
    with pytest.raises(StoreUnavailable):
        CALLS[call](bucket)


def test_a_copy_that_fails_after_it_said_yes_has_failed(bucket, s3):
    s3.answer = Written(200, refusal(500, "InternalError").body)  # it begins to answer before it knows
    with pytest.raises(StoreUnavailable):
        CALLS["copy"](bucket)


def test_a_download_that_takes_too_long_ends(s3):
    seconds = iter([0.0, 60.0, 60.1])
    bucket = ObjectClient("sample", s3_client, monotonic=lambda: next(seconds))
    s3.answer = Written(body=bytes(3 * 1_048_576), headers={"etag": '"0"'})
    file = io.BytesIO()
    with pytest.raises(StoreUnavailable, match="too slow"):
        bucket.download("a", file, max_bytes=10**7, max_seconds=60)
    assert len(file.getvalue()) == 2 * 1_048_576
    bucket._s3().close()


def test_what_could_not_be_deleted_of_several_is_worth_another_try(bucket, s3, caplog):
    failed = "<Error><Key>b</Key><Code>{}</Code><Message>No</Message></Error>"
    answer = f"<DeleteResult>{failed.format('InternalError')}{failed.format('NoSuchKey')}</DeleteResult>"
    s3.answer = Written(body=answer.encode())
    with pytest.raises(StoreUnavailable, match="1 files could not be deleted"):
        CALLS["delete_several"](bucket)
    s3.answer = Written(body=answer.replace("InternalError", "NoSuchKey").encode())
    CALLS["delete_several"](bucket)


@pytest.mark.parametrize(
    ("call", "header"), [("read_range", "if-match"), ("read", "if-match"), ("copy", "x-amz-copy-source-if-match")]
)
def test_a_tag_is_sent_as_headers_have_it(bucket, s3, call, header):
    s3.answer = refusal(412, "PreconditionFailed")
    asked: dict[str, Callable[[], object]] = {
        "read_range": lambda: bucket.read_range("a", 0, 1, tag="9b2c-3"),
        "read": lambda: bucket.read("a", max_bytes=1, tag="9b2c-3"),
        "copy": lambda: bucket.copy("a", "b", tag="9b2c-3", content_type="audio/mpeg"),
    }
    with pytest.raises(ObjectChanged):
        asked[call]()
    assert s3.headers[header] == '"9b2c-3"'


def test_a_client_waits_and_repeats_within_bounds(s3):
    config: Any = s3_client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.0, 10.0)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}
    patient: Any = s3_client(60).meta.config
    assert patient.read_timeout == 60


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_urls_and_forms_are_of_the_region_and_name_the_bucket_in_their_path(s3, monkeypatch, region):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    bucket = ObjectClient("sample")
    url = urlsplit(bucket.sign("media/a", seconds=60, content_type="audio/mpeg", filename="a.mp3").url)
    form = bucket.form("uploads/a", content_type="audio/mpeg", max_bytes=1, seconds=60)
    assert (url.scheme, url.netloc, url.path) == ("https", f"s3.{region}.amazonaws.com", "/sample/media/a")
    assert form.url == f"https://s3.{region}.amazonaws.com/sample"
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


def ends(bucket: ObjectClient, seconds: int) -> list[datetime]:
    url = bucket.sign("a", seconds=seconds, content_type="audio/mpeg", filename="a.mp3")
    form = bucket.form("a", content_type="audio/mpeg", max_bytes=1, seconds=seconds)
    return [url.expires_at, form.expires_at]


@pytest.fixture
def in_a_container(s3: AnsweringServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringServer]:
    """A server that hands out the credentials of functions that were started from a snapshot."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with AnsweringServer() as server:
        monkeypatch.setenv(WHERE, server.url)
        yield server


def test_what_is_signed_ends_with_the_credentials_that_signed_it(in_a_container):
    real = datetime.now(UTC).replace(microsecond=0)
    in_a_container.answer = credentials_until(real + timedelta(minutes=20))
    bucket = ObjectClient("sample", clock=lambda: real)
    assert ends(bucket, 3600) == [real + timedelta(minutes=20)] * 2
    assert ends(bucket, 900) == [real + timedelta(minutes=15)] * 2


def test_credentials_that_end_soon_are_replaced_before_anything_is_signed(in_a_container):
    real = datetime.now(UTC).replace(microsecond=0)
    in_a_container.answer = credentials_until(real + timedelta(minutes=5))
    bucket = ObjectClient("sample", clock=lambda: real)
    client: Any = bucket._s3()
    client._request_signer._credentials.get_frozen_credentials()
    in_a_container.answer = credentials_until(real + timedelta(hours=6))
    assert ends(bucket, 3600) == [real + timedelta(hours=1)] * 2


def test_without_credentials_nothing_is_signed_and_another_try_is_worth_it(in_a_container, monkeypatch):
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    in_a_container.answer = Written(500)
    bucket = ObjectClient("sample", clock=lambda: NOW)
    with pytest.raises(StoreUnavailable):
        ends(bucket, 3600)


def test_credentials_of_which_nobody_says_when_they_end_are_no_limit(s3):
    assert ends(ObjectClient("sample", clock=lambda: NOW), 3600) == [NOW + timedelta(hours=1)] * 2
