"""The one door of the emulator that browsers may use: signed URLs and forms for objects of a bucket with CORS rules.

A bucket of a deployed stack has the rules of its template, and they name the pages; others, such as that of the assets,
have none and stay shut. What comes through:

    GET, HEAD    of an object, by a signed URL that asks for nothing but the object
    POST         of a form to the bucket, from a page that the rules name
    OPTIONS      the question before one of these, which is answered here

The emulator would tell every page that it may do everything, unless it also judged the rights of programs; what it has
for that case follows S3's rules, so it answers here. https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html

In one thing this is stricter than S3. A form is only taken from a page that may use it: the emulator compares no
signature of a form, and everybody knows the key with which this machine signs.

Runs on the interpreter of the emulator, which has none of our packages.
"""

# ruff: noqa: SLF001 -- it has no setting for this

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from cdk_app.services.stand_ins.hosts import LOCAL_HOST, Application, Message, Receive, Scope, Send, is_addressed_to

READS: Final = frozenset({"GET", "HEAD"})
# Of Signature Version 4 in a query, with what may stand beside it: parameters that are about the answer alone.
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
SIGNATURE: Final = "X-Amz-Signature"
OF_A_SIGNED_URL: Final = re.compile(
    r"X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Security-Token|Signature)"
    r"|response-(cache-control|content-(disposition|encoding|language|type)|expires)|versionId|x-id"
)
ALGORITHM: Final = ("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
FOR_S3: Final = "/s3/aws4_request"
FORM: Final = "multipart/form-data"
CORS_PREFIX: Final = b"access-control-"


class BucketDoor:
    """Lets pages through to an application. emulator: `ministack.app`; storage: `ministack.services.s3`."""

    def __init__(self, application: Application, *, emulator: Any, storage: Any) -> None:
        self._application = application
        self._emulator = emulator
        self._storage = storage

    async def opens(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer what a page may ask, and say whether that was done. headers: in lower case, as ASGI has them."""
        if scope["type"] != "http" or not is_addressed_to(LOCAL_HOST, scope["headers"]):
            return False
        # By host a bucket could be asked for paths that the emulator keeps for itself.
        target = self._emulator._s3_cors_target("localhost", scope["path"])
        if target is None or self._storage._cors_rules(target[0]) is None:
            return False
        bucket, key = target
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] == "OPTIONS":
            await _answer(send, *self._storage.cors_preflight(bucket, key, headers))
            return True
        allowed = self._storage.cors_response_headers(bucket, scope["method"], headers)
        if not (_is_signed_read(scope, key) or (allowed and _is_form(scope, key, headers))):
            return False
        await self._application(scope, receive, _with_cors(send, allowed))
        return True


def _is_signed_read(scope: Scope, key: str) -> bool:
    """Whether a request reads one object with a signature that S3, and no other service, will check."""
    given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    asked = dict(given)
    return (
        scope["method"] in READS
        and key != ""
        and SIGNATURE in asked
        and len(asked) == len(given)
        and all(OF_A_SIGNED_URL.fullmatch(name) for name in asked)
        and ALGORITHM in given
        and asked.get("X-Amz-Credential", "").endswith(FOR_S3)
    )


def _is_form(scope: Scope, key: str, headers: Mapping[str, str]) -> bool:
    is_of_files = headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
    return scope["method"] == "POST" and key == "" and not scope["query_string"] and is_of_files


def _with_cors(send: Send, allowed: Mapping[str, str]) -> Send:
    """Say what the rules of the bucket say, in place of what the emulator says to everybody."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(CORS_PREFIX)]
            message = {**message, "headers": [*kept, *_raw(allowed)]}
        await send(message)

    return answer


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [pair for pair in _raw(headers) if pair[0] != b"content-length"]
    raw.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
