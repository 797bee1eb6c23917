"""The client of a bucket on an emulated S3: what is stored, and what others can do with what it signs."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import boto3
import httpx
import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime import objects
from lambda_src.runtime.objects import (
    ListedObject,
    ObjectChanged,
    ObjectClient,
    ObjectHead,
    ObjectMissing,
    ObjectTooLarge,
    SignedUrl,
    UploadForm,
)

SONG: Final = bytes(range(256)) * 10
KEY: Final = "media/a b+c/ü.mp3"
NOW: Final = datetime(2026, 12, 1, 10, 30, 15, 999_999, tzinfo=UTC)

type Fetch = Callable[..., httpx.Response]


@pytest.fixture
def bucket(cloud: MiniStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectClient]:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", cloud.session)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
    made = ObjectClient(f"sample-{uuid4()}", clock=lambda: NOW)
    made._s3().create_bucket(Bucket=made.bucket)
    yield made
    made._s3().close()


@pytest.fixture
def fetch() -> Iterator[Fetch]:
    with httpx.Client(trust_env=False) as client:
        yield client.request


def stored(bucket: ObjectClient, key: str = KEY, content: bytes = SONG) -> str:
    return bucket.put(key, content, content_type="audio/mpeg")


def submit(form: UploadForm, content: bytes = SONG, **changed: str) -> int:
    fields = {**form.fields, **changed}
    return httpx.post(form.url, data=fields, files={"file": content}, trust_env=False).status_code


def test_what_is_put_is_known_by_size_tag_and_type(bucket):
    tag = stored(bucket)
    assert '"' not in tag
    assert bucket.head(KEY) == ObjectHead(2560, tag, "audio/mpeg")


def test_what_is_put_compressed_stays_so(bucket):
    bucket.put("a.json.gz", b"\x1f\x8bpacked", content_type="application/json", content_encoding="gzip")
    assert bucket.read("a.json.gz", max_bytes=100) == b"\x1f\x8bpacked"
    assert bucket._s3().head_object(Bucket=bucket.bucket, Key="a.json.gz")["ContentEncoding"] == "gzip"


@pytest.mark.parametrize(
    ("first", "count", "expected"),
    [
        (0, 64, SONG[:64]),
        (250, 10, SONG[250:260]),
        (2559, 1, SONG[-1:]),
        (2550, 64, SONG[2550:]),
        (2560, 64, b""),
        (10**9, 64, b""),
    ],
)
def test_a_range_is_read_as_far_as_there_are_bytes(bucket, first, count, expected):
    tag = stored(bucket)
    assert bucket.read_range(KEY, first, count, tag=tag) == expected


def test_an_empty_object_has_no_bytes(bucket):
    stored(bucket, content=b"")
    assert bucket.read_range(KEY, 0, 64) == b""
    assert bucket.read(KEY, max_bytes=0) == b""


@pytest.mark.parametrize(("first", "count"), [(-1, 5), (0, 0)])
def test_what_is_no_range_is_not_asked_for(bucket, first, count):
    with pytest.raises(ValueError, match="no range"):
        bucket.read_range(KEY, first, count)


def test_an_object_is_read_whole_up_to_a_size(bucket):
    tag = stored(bucket)
    assert bucket.read(KEY, max_bytes=2560, tag=tag) == SONG
    with pytest.raises(ObjectTooLarge):
        bucket.read(KEY, max_bytes=2559)


def test_a_file_gets_all_bytes_or_none_when_they_are_too_many(bucket):
    content = SONG * 1000  # more than two chunks
    tag = stored(bucket, content=content)
    file = io.BytesIO()
    with pytest.raises(ObjectTooLarge):
        bucket.download(KEY, file, max_bytes=len(content) - 1)
    assert file.getvalue() == b""
    assert bucket.download(KEY, file, max_bytes=len(content), tag=tag) == 2_560_000
    assert file.getvalue() == content


def read_with(bucket: ObjectClient, tag: str) -> list[Callable[[], Any]]:
    return [
        lambda: bucket.read_range(KEY, 0, 64, tag=tag),
        lambda: bucket.read(KEY, max_bytes=9999, tag=tag),
        lambda: bucket.download(KEY, io.BytesIO(), max_bytes=9999, tag=tag),
        lambda: bucket.copy(KEY, "media/copy.mp3", tag=tag, content_type="audio/mpeg"),
    ]


def test_what_was_overwritten_is_neither_read_nor_copied_as_what_it_was(bucket):
    old = stored(bucket)
    stored(bucket, content=b"%PDF-1.7")
    for read in read_with(bucket, old):
        with pytest.raises(ObjectChanged):
            read()
    assert [each.key for each in bucket.listed("media/")] == [KEY]


def test_what_is_missing_is_said_by_every_method_that_needs_it(bucket):
    for read in [lambda: bucket.head(KEY), *read_with(bucket, "0" * 32)]:
        with pytest.raises(ObjectMissing):
            read()


def test_a_copy_has_its_own_type_and_the_bytes_of_its_source(bucket):
    tag = bucket.put(KEY, SONG, content_type="text/html")
    copied = bucket.copy(KEY, "media/0123.mp3", tag=tag, content_type="audio/mpeg")
    assert bucket.head("media/0123.mp3") == ObjectHead(2560, copied, "audio/mpeg")
    assert bucket.read("media/0123.mp3", max_bytes=9999) == SONG
    assert bucket.head(KEY).content_type == "text/html"


def test_a_deleted_object_is_missing_and_can_be_deleted_again(bucket):
    stored(bucket)
    bucket.delete(KEY)
    bucket.delete(KEY)
    with pytest.raises(ObjectMissing):
        bucket.head(KEY)


def test_several_are_deleted_a_thousand_to_a_request(bucket):
    for name in ("a", "b", "c<&>", "kept"):
        stored(bucket, name, b"x")
    requests: list[int] = []
    bucket._s3().meta.events.register(
        "before-parameter-build.s3.DeleteObjects",
        lambda params, **_: requests.append(len(params["Delete"]["Objects"])),
    )
    bucket.delete_several(iter(["a", *(f"missing-{n}" for n in range(1000)), "b", "c<&>"]))
    assert requests == [1000, 3]
    assert [each.key for each in bucket.listed("")] == ["kept"]


def test_nothing_to_delete_costs_nothing():
    ObjectClient("sample", lambda: pytest.fail("no client is needed")).delete_several([])


def test_a_list_is_of_one_prefix_and_says_what_is_known(bucket):
    tag = stored(bucket, "results/1.json", b"{}")
    stored(bucket, "resulted", b"{}")
    [found] = bucket.listed("results/")
    assert found == ListedObject("results/1.json", 2, tag, found.modified_at)
    assert abs(found.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_list_goes_over_pages_up_to_its_limit_and_on_from_there(bucket, monkeypatch):
    monkeypatch.setattr(objects, "MAX_KEYS", 3)
    keys = [f"r/{n}" for n in range(8)]
    for key in keys:
        stored(bucket, key, b"x")
    requests: list[int] = []
    bucket._s3().meta.events.register(
        "before-parameter-build.s3.ListObjectsV2", lambda params, **_: requests.append(params["MaxKeys"])
    )
    assert [each.key for each in bucket.listed("r/", limit=5)] == keys[:5]
    assert [each.key for each in bucket.listed("r/", limit=100, after="r/4")] == keys[5:]
    assert [each.key for each in bucket.listed("r/", limit=100)] == keys
    assert requests == [3, 2, 3, 3, 3, 3]


def signed(bucket: ObjectClient, **changed: Any) -> SignedUrl:
    given: dict[str, Any] = {"seconds": 3600, "content_type": "audio/mpeg", "filename": "a.mp3", **changed}
    return bucket.sign(KEY, **given)


def test_a_signed_url_reads_as_the_type_and_name_it_was_signed_for(bucket, fetch):
    bucket.put(KEY, SONG, content_type="text/html")
    answer = fetch("GET", signed(bucket, filename='Grüße, 100%; "x"\r\n.mp3').url)
    assert (answer.status_code, answer.content) == (200, SONG)
    assert answer.headers["content-type"] == "audio/mpeg"
    said = "inline; filename*=UTF-8''Gr%C3%BC%C3%9Fe%2C%20100%25%3B%20%22x%22%0D%0A.mp3"
    assert answer.headers["content-disposition"] == said


def test_a_signed_url_takes_ranges(bucket, fetch):
    stored(bucket)
    answer = fetch("GET", signed(bucket).url, headers={"Range": "bytes=250-259"})
    assert (answer.status_code, answer.content) == (206, SONG[250:260])


def test_a_url_is_signed_for_one_method(bucket, fetch):
    stored(bucket)
    of_get, of_head = signed(bucket).url, signed(bucket, method="HEAD").url
    assert fetch("HEAD", of_head).status_code == 200
    assert fetch("HEAD", of_head).headers["content-length"] == "2560"
    assert (fetch("HEAD", of_get).status_code, fetch("GET", of_head).status_code) == (403, 403)


def test_a_download_can_be_told_to_be_kept_as_a_file(bucket, fetch):
    stored(bucket)
    answer = fetch("GET", signed(bucket, filename="r.zip", disposition="attachment").url)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''r.zip"


def test_a_url_that_was_changed_reads_nothing(bucket, fetch):
    stored(bucket)
    stored(bucket, "media/other.mp3")
    url = signed(bucket).url
    assert fetch("GET", url.replace(urlsplit(url).path, f"/{bucket.bucket}/media/other.mp3")).status_code == 403


def test_a_url_says_when_it_ends_and_shows_itself_to_no_log(bucket):
    made = signed(bucket, seconds=90)
    assert made.expires_at == datetime(2026, 12, 1, 10, 31, 45, tzinfo=UTC)
    query = parse_qs(urlsplit(made.url).query)
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == (["90"], ["AWS4-HMAC-SHA256"])
    assert query["X-Amz-SignedHeaders"] == ["host"], "a player sends no header that we could sign"
    assert "Signature" not in repr(made)


def test_a_form_puts_what_it_was_made_for(bucket):
    form = bucket.form("uploads/7.m4a", content_type="audio/mp4", max_bytes=2560, seconds=900)
    assert form.expires_at == datetime(2026, 12, 1, 10, 45, 15, tzinfo=UTC)
    assert submit(form) == 204
    assert bucket.head("uploads/7.m4a").content_type == "audio/mp4"
    assert bucket.read("uploads/7.m4a", max_bytes=9999) == SONG


@pytest.mark.parametrize(
    ("content", "changed", "status"),
    [
        (b"", {}, 400),
        (SONG + b"x", {}, 400),
        (SONG, {"Content-Type": "text/html"}, 403),
        (SONG, {"key": "media/7.m4a"}, 403),
        (SONG, {"key": "uploads/7.m4a/b"}, 403),
    ],
    ids=["empty", "too large", "other type", "other key", "key below"],
)
def test_a_form_puts_nothing_else(bucket, content, changed, status):
    form = bucket.form("uploads/7.m4a", content_type="audio/mp4", max_bytes=2560, seconds=900)
    assert submit(form, content, **changed) == status
    assert bucket.listed("") == []


def test_a_form_leaves_no_part_of_the_key_to_the_browser(bucket):
    with pytest.raises(ValueError, match="name of the file"):
        bucket.form("uploads/${filename}", content_type="audio/mp4", max_bytes=1, seconds=900)


def test_a_form_shows_its_fields_to_no_log(bucket):
    form = bucket.form("uploads/7.m4a", content_type="audio/mp4", max_bytes=1, seconds=900)
    assert form.fields["x-amz-signature"] not in repr(form)


@pytest.mark.parametrize("seconds", [0, 604_801])
def test_nothing_is_signed_for_longer_than_a_signature_holds(bucket, seconds):
    with pytest.raises(ValueError, match="604800"):
        signed(bucket, seconds=seconds)
    with pytest.raises(ValueError, match="604800"):
        bucket.form("uploads/7", content_type="audio/mp4", max_bytes=1, seconds=seconds)
