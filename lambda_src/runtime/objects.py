"""Objects of a bucket in S3: reading, writing, copying, deleting, and URLs and forms with which others do so.

Without the right to list a bucket, S3 answers 403 where an object is missing, so that nobody learns which keys there
are; functions of ours often lack that right. So a refusal to show an object is ObjectMissing, too, and is logged with
S3's code: a right that was forgotten shows as objects that are missing, all of them.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import batched
from typing import IO, TYPE_CHECKING, Any, Final, Literal, Never
from urllib.parse import quote

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError

from lambda_src.errors import Conflict, NotFound, PayloadTooLarge, StoreUnavailable
from lambda_src.runtime.aws_calls import client_config, reason_of
from lambda_src.runtime.clock import Clock, utc_now

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

logger = logging.getLogger(__name__)

type Method = Literal["GET", "HEAD"]
type Disposition = Literal["inline", "attachment"]

READ_TIMEOUT_SECONDS: Final = 10.0  # without a byte; S3 answers a copy when it is done, which takes seconds
MAX_DOWNLOAD_SECONDS: Final = 60.0
CHUNK_BYTES: Final = 1_048_576
MAX_KEYS: Final = 1000  # of a page of a list, and of a deletion
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
MAX_SIGNED_SECONDS: Final = 604_800

# A HEAD has no body, so that botocore takes the status for the code.
_MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound", "403", "AccessDenied", "Forbidden"})
_CHANGED: Final = frozenset({"412", "PreconditionFailed"})
_NO_SUCH_RANGE: Final = frozenset({"416", "InvalidRange"})
# What RFC 8187 lets stand as it is; `quote` never touches letters, digits and `_.-~`.
_PLAIN: Final = "!#$&+^`|"
_OPERATIONS: Final[Mapping[Method, Literal["get_object", "head_object"]]] = {"GET": "get_object", "HEAD": "head_object"}


class ObjectMissing(NotFound):
    """There is no such object, or S3 does not say."""

    code = "object_missing"
    default_detail = "The file is not in storage"


class ObjectChanged(Conflict):
    """The object is no longer the one with the tag that was asked for."""

    code = "object_changed"
    default_detail = "The file was changed meanwhile"


class ObjectTooLarge(PayloadTooLarge):
    """There are more bytes than may be read."""

    code = "object_too_large"
    default_detail = "The file is too large to be read"


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What is known of an object without reading it. tag: S3's entity tag without quotes; opaque, and no checksum."""

    size_bytes: int
    tag: str
    content_type: str


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object of a list. tag: as in ObjectHead."""

    key: str
    size_bytes: int
    tag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A URL that works until `expires_at`, for whoever has it; it belongs into no log."""

    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form that puts one object until `expires_at`: POST the fields in this order, and the file as `file` after them.

    It can be sent more than once. It belongs into no log.
    """

    url: str
    fields: dict[str, str] = field(repr=False)
    expires_at: datetime


def s3_client(read_timeout_seconds: float = READ_TIMEOUT_SECONDS) -> "S3Client":
    """A client whose signatures and addresses are those of the bucket's region. Without any answer it ends after 45 s.

    For us-east-1 boto3 would sign URLs with Signature Version 2, and address the global endpoint, whose answers are
    redirections until the name of a new bucket is known everywhere.
    """
    import boto3  # noqa: PLC0415 -- a function without a bucket does not pay for it

    ours = Config(signature_version="s3v4", s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"})
    return boto3.client("s3", config=client_config(read_timeout_seconds).merge(ours))


class ObjectClient:
    """The objects of one bucket.

    The S3 client is created at the first call. Every method that sends a request raises StoreUnavailable (retryable)
    when S3 cannot be reached, is throttling, or refuses, and those that take a key or a tag what they say. A request is
    tried four times; a body that breaks off is not asked for again. clock: of `expires_at`; signatures have boto3's.
    """

    def __init__(
        self,
        bucket: str,
        client: Callable[[], "S3Client"] = s3_client,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bucket = bucket
        self._s3 = cache(client)
        self._clock = clock
        self._monotonic = monotonic

    # ---- reading -----------------------------------------------------------------------------------------------------

    def head(self, key: str) -> ObjectHead:
        """Size, tag and content type. One request. Raises ObjectMissing."""
        with _failures(missing=True):
            answer = self._s3().head_object(Bucket=self.bucket, Key=key)
            return ObjectHead(answer["ContentLength"], _bare(answer["ETag"]), answer.get("ContentType", ""))

    def read_range(self, key: str, first: int, count: int, *, tag: str | None = None) -> bytes:
        """Up to `count` bytes (1 or more) from offset `first`; fewer at the end, none behind it. One request.

        tag: what the object must still have. Raises ObjectMissing, ObjectChanged.
        """
        if first < 0 or count < 1:
            raise ValueError(f"{count} bytes from {first} are no range")
        with _failures(missing=True):
            try:
                answer = self._get(key, tag, Range=f"bytes={first}-{first + count - 1}")
            except ClientError as error:
                if reason_of(error) in _NO_SUCH_RANGE:
                    return b""
                raise
            with closing(answer["Body"]) as body:
                content = body.read(count)
                if len(content) < (expected := min(count, answer["ContentLength"])):
                    raise IncompleteReadError(actual_bytes=len(content), expected_bytes=expected)
                return content

    def read(self, key: str, *, max_bytes: int, tag: str | None = None) -> bytes:
        """All bytes of an object, as they are stored: one that is compressed stays so. One request.

        tag: what it must still have. Raises ObjectMissing, ObjectChanged, and ObjectTooLarge before it reads more.
        """
        with _failures(missing=True):
            answer = self._get(key, tag)
            with closing(answer["Body"]) as body:
                _check_size(answer["ContentLength"], max_bytes)
                return body.read()  # to the end, where botocore compares the checksum

    def download(
        self,
        key: str,
        file: IO[bytes],
        *,
        max_bytes: int,
        max_seconds: float = MAX_DOWNLOAD_SECONDS,
        tag: str | None = None,
    ) -> int:
        """Write all bytes of an object to an open file, and return how many. One request, 1 MiB of memory.

        tag: what it must still have. Raises ObjectMissing, ObjectChanged, ObjectTooLarge before it writes anything, and
        StoreUnavailable when it takes longer than max_seconds; then a part is written, as when the connection breaks.
        """
        ends_at = self._monotonic() + max_seconds
        written = 0
        with _failures(missing=True):
            answer = self._get(key, tag)
            with closing(answer["Body"]) as body:
                _check_size(answer["ContentLength"], max_bytes)
                while chunk := body.read(CHUNK_BYTES):
                    written += file.write(chunk)
                    if self._monotonic() > ends_at:
                        logger.warning("object download too slow", extra={"written_bytes": written})
                        raise StoreUnavailable("Storage is too slow", retry_after_seconds=1)
        return written

    def listed(self, prefix: str, *, limit: int = MAX_KEYS, after: str = "") -> list[ListedObject]:
        """Up to `limit` objects whose keys begin with `prefix`, in order of their keys' bytes.

        after: the last key of the list before. One request for each 1000 objects.
        """
        found: list[ListedObject] = []
        while len(found) < limit:
            asked = min(MAX_KEYS, limit - len(found))
            with _failures():
                answer = self._s3().list_objects_v2(
                    Bucket=self.bucket, Prefix=prefix, StartAfter=found[-1].key if found else after, MaxKeys=asked
                )
                found += (
                    ListedObject(each["Key"], each["Size"], _bare(each["ETag"]), each["LastModified"])
                    for each in answer.get("Contents", ())
                )
                if not answer["IsTruncated"]:
                    break
        return found

    # ---- writing -----------------------------------------------------------------------------------------------------

    def put(self, key: str, content: bytes, *, content_type: str, content_encoding: str | None = None) -> str:
        """Store an object, in place of one that was there, and return its tag. One request."""
        encoded: Any = {} if content_encoding is None else {"ContentEncoding": content_encoding}
        with _failures():
            answer = self._s3().put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType=content_type, **encoded
            )
            return _bare(answer["ETag"])

    def copy(self, source: str, target: str, *, tag: str, content_type: str) -> str:
        """Copy an object of up to 5 GB within the bucket, give the copy this content type, and return its tag.

        tag: what the source must still have; so what was checked is what is copied, whoever overwrites it meanwhile.
        One request. Raises ObjectMissing for the source, ObjectChanged.
        """
        with _failures(missing=True):
            answer = self._s3().copy_object(
                Bucket=self.bucket,
                Key=target,
                CopySource={"Bucket": self.bucket, "Key": source},
                CopySourceIfMatch=_quoted(tag),
                MetadataDirective="REPLACE",
                ContentType=content_type,
            )
            return _bare(answer["CopyObjectResult"]["ETag"])

    def delete(self, key: str) -> None:
        """Delete an object; one that is missing counts as deleted. One request."""
        with _failures():
            self._s3().delete_object(Bucket=self.bucket, Key=key)

    def delete_several(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are missing count as deleted. One request for each 1000 keys, none for none.

        Raises StoreUnavailable when some could not be deleted; others were, and the whole can be repeated.
        """
        for chunk in batched(keys, MAX_KEYS, strict=False):
            with _failures():
                answer = self._s3().delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in chunk], "Quiet": True}
                )
            codes = [each.get("Code", "") for each in answer.get("Errors", ())]
            if left := [code for code in codes if code != "NoSuchKey"]:
                logger.warning(
                    "objects not deleted", extra={"count": len(left), "reason": ", ".join(sorted(set(left)))}
                )
                raise StoreUnavailable(f"{len(left)} files could not be deleted", retry_after_seconds=1)

    # ---- for others --------------------------------------------------------------------------------------------------

    def sign(
        self,
        key: str,
        *,
        seconds: int,
        content_type: str,
        filename: str,
        method: Method = "GET",
        disposition: Disposition = "inline",
    ) -> SignedUrl:
        """A URL that reads an object for that many seconds, 1-604800, or until our credentials end.

        content_type, filename: what the answer says of it. No request; nobody looks whether there is such an object.
        """
        _check_seconds(seconds)
        said = {
            "ResponseContentType": content_type,
            "ResponseContentDisposition": f"{disposition}; filename*=UTF-8''{quote(filename, safe=_PLAIN)}",
        }
        with _failures():
            expires_at = self._expiry(seconds)
            url = self._s3().generate_presigned_url(
                _OPERATIONS[method], Params={"Bucket": self.bucket, "Key": key, **said}, ExpiresIn=seconds
            )
        return SignedUrl(url, expires_at)

    def form(self, key: str, *, content_type: str, max_bytes: int, seconds: int) -> UploadForm:
        """A form with which a browser puts 1 to max_bytes bytes of exactly this type under exactly this key.

        It works for that many seconds, 1-604800, or until our credentials end. No request.
        """
        _check_seconds(seconds)
        if key.endswith("${filename}"):  # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
            raise ValueError("S3 would put the name of the file into the key")
        with _failures():
            expires_at = self._expiry(seconds)
            made = self._s3().generate_presigned_post(
                self.bucket,
                key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
                ExpiresIn=seconds,
            )
        return UploadForm(made["url"], made["fields"], expires_at)

    # ------------------------------------------------------------------------------------------------------------------

    def _get(self, key: str, tag: str | None, **more: Any) -> "GetObjectOutputTypeDef":
        condition: Any = {} if tag is None else {"IfMatch": _quoted(tag)}
        return self._s3().get_object(Bucket=self.bucket, Key=key, **condition, **more)

    def _expiry(self, seconds: int) -> datetime:
        """When something ends that is signed after this call for that many seconds, on a whole second.

        What is signed dies with the credentials that signed it. botocore says when those end only inside: `None` or
        nothing at all for those of a role that are in a function's environment, where nobody says it.
        """
        ends_at = self._clock().replace(microsecond=0) + timedelta(seconds=seconds)
        credentials = getattr(getattr(self._s3(), "_request_signer", None), "_credentials", None)
        if credentials is None:
            return ends_at
        credentials.get_frozen_credentials()  # takes new ones where these end soon
        end_of_credentials: datetime | None = getattr(credentials, "_expiry_time", None)
        return ends_at if end_of_credentials is None else min(ends_at, end_of_credentials.replace(microsecond=0))


@contextmanager
def _failures(*, missing: bool = False) -> Iterator[None]:
    """Failures of a request as our errors. missing: a refusal to show an object is ObjectMissing."""
    try:
        yield
    except (BotoCoreError, ClientError, KeyError) as error:  # KeyError: an answer that is not of S3
        _raise(error, missing=missing)


def _raise(error: Exception, *, missing: bool) -> Never:
    reason = reason_of(error)
    if reason in _CHANGED:
        raise ObjectChanged from error
    if missing and reason in _MISSING:
        logger.info("object missing", extra={"reason": reason})
        raise ObjectMissing from error
    logger.warning("object request failed", extra={"reason": reason})
    raise StoreUnavailable("Storage cannot be reached", retry_after_seconds=1) from error


def _check_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise ObjectTooLarge


def _check_seconds(seconds: int) -> None:
    if not 1 <= seconds <= MAX_SIGNED_SECONDS:
        raise ValueError(f"a signature holds 1-{MAX_SIGNED_SECONDS} s, not {seconds}")


def _bare(tag: str) -> str:
    """A tag as events have it."""
    return tag.strip('"')


def _quoted(tag: str) -> str:
    """A tag as headers have it."""
    return f'"{tag}"'
