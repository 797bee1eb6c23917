"""What pages in a browser may do with buckets of the local cloud: what signed URLs and forms allow, and no more."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from botocore.config import Config
from playwright.sync_api import Browser, Page
from starlette.responses import HTMLResponse

from cdk_app.local.ministack import MiniStack
from tests.support.http_server import ThreadedServer

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KEY: Final = "shown/a b+c.mp3"
SONG: Final = b"0123456789"
FOREIGN: Final = "https://evil.example"
REFUSAL: Final = "Browsers may not use the emulator\n"
BY_A_PLAYER: Final = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "audio"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
UPLOAD: Final = """async ([url, fields]) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob(["sung"]), "a.mp3");
    const request = new XMLHttpRequest();
    request.upload.onprogress = () => {};  // whoever shows progress asks first
    request.open("POST", url);
    return await new Promise(done => {
        request.onload = () => done(request.status);
        request.onerror = () => done(null);
        request.send(form);
    });
}"""
READ: Final = """async ([url, range]) => {
    try {
        const answer = await fetch(url, {headers: {Range: range}});
        return [answer.status, answer.headers.get("Content-Range"), await answer.text()];
    } catch (error) {
        return [null, error.name];
    }
}"""
SHOWN: Final = ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"]


@dataclass(frozen=True, slots=True)
class Scene:
    """A bucket as a stack of ours deploys it, one without pages beside it, and pages of two origins."""

    url: str
    s3: "S3Client"
    bucket: str
    other: str
    pages: str
    asked: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    @property
    def foreign(self) -> str:
        return self.pages.replace("localhost", "127.0.0.1")

    def signed(self, key: str = KEY, operation: Any = "get_object", **more: str) -> str:
        return self.s3.generate_presigned_url(operation, Params={"Bucket": self.bucket, "Key": key, **more})

    def form(self, key: str, bucket: str | None = None) -> tuple[str, Mapping[str, str]]:
        ticket = self.s3.generate_presigned_post(
            bucket or self.bucket, key, Conditions=[["content-length-range", 1, 9]]
        )
        return ticket["url"], ticket["fields"]

    def ask(self, method: str, url: str, origin: str | None, **more: Any) -> httpx.Response:
        by = {"Origin": origin} if origin else BY_A_PLAYER
        # One connection each: where a body is refused unread, the server closes it behind its answer.
        by = {**by, "Connection": "close"}
        return self.asked.request(method, url, headers={**by, **more.pop("headers", {})}, **more)

    def send(
        self, key: str, origin: str | None, bucket: str | None = None, at: str = "", **more: Any
    ) -> httpx.Response:
        url, fields = self.form(key, bucket)
        return self.ask("POST", url + at, origin, data=fields, files={"file": b"sung"}, **more)

    def stored(self, bucket: str | None = None) -> set[str]:
        listed = self.s3.list_objects_v2(Bucket=bucket or self.bucket).get("Contents", [])
        return {each["Key"] for each in listed}


@pytest.fixture(scope="module")
def scene(cloud: MiniStack) -> Iterator[Scene]:
    # As `ServiceBucket` writes it; the L1 of a bucket that names no page stands for those of the CDK.
    with ThreadedServer(HTMLResponse("<!doctype html><title>A page</title>")) as server:
        pages = server.url.replace("127.0.0.1", "localhost")
        said = {"AllowedHeaders": ["range"], "ExposedHeaders": SHOWN, "MaxAge": 600}
        rules = [
            {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"], **said},
            {"AllowedOrigins": [pages], "AllowedMethods": ["POST"], **said},
        ]
        kept = {"Type": "AWS::S3::Bucket", "Properties": {"CorsConfiguration": {"CorsRules": rules}}}
        template = {"Resources": {"Kept": kept, "Other": {"Type": "AWS::S3::Bucket"}}}
        stacks = cloud.session.client("cloudformation", endpoint_url=cloud.url)
        stacks.create_stack(StackName="Kept", TemplateBody=json.dumps(template))
        stacks.get_waiter("stack_create_complete").wait(StackName="Kept", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        made = stacks.describe_stack_resources(StackName="Kept")["StackResources"]
        names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made}
        s3 = cloud.session.client("s3", endpoint_url=cloud.url, config=Config(signature_version="s3v4"))
        for name in names.values():
            s3.put_object(Bucket=name, Key=KEY, Body=SONG, ContentType="audio/mpeg")
        scene = Scene(cloud.url, s3, names["Kept"], names["Other"], pages)
        yield scene
        scene.asked.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose complaints are expected: this browser says on its console what it refused."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def allowing(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def question(method: str, headers: str = "") -> dict[str, str]:
    asked = {"Access-Control-Request-Headers": headers} if headers else {}
    return {"Access-Control-Request-Method": method, **asked}


# ---- over plain HTTP -----------------------------------------------------------------------------------------------


ANYBODY: Final = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD",
    "access-control-expose-headers": ", ".join(SHOWN),
    "access-control-max-age": "600",
}
"""What every page is told, also one that a redirection led here, whose origin is `null`."""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("origin", ["", FOREIGN, "null"], ids=["its own", "a foreign one", "after a redirect"])
def test_every_page_is_told_that_it_may_read(scene: Scene, method: str, origin: str):
    answer = scene.ask("OPTIONS", scene.signed(), origin or scene.pages, headers=question(method, "range"))
    assert answer.status_code == 200
    assert allowing(answer) == {**ANYBODY, "access-control-allow-headers": "range"}


def test_a_page_of_the_bucket_is_told_that_it_may_upload(scene: Scene):
    answer = scene.ask("OPTIONS", scene.signed(), scene.pages, headers=question("POST", "range"))
    assert answer.status_code == 200
    assert allowing(answer) == {
        "access-control-allow-origin": scene.pages,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "range",
        "access-control-expose-headers": ", ".join(SHOWN),
        "access-control-max-age": "600",
    }
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        (FOREIGN, question("POST")),
        ("null", question("POST")),
        ("", question("PUT")),
        ("", question("DELETE")),
        ("", question("GET", "x-handed-on-by-proxy")),
        ("", question("POST", "range, x-amz-target")),
        ("", {}),
    ],
)
def test_what_the_rules_do_not_allow_is_refused_before_it_is_asked(scene: Scene, origin: str, asked: dict[str, str]):
    answer = scene.ask("OPTIONS", scene.signed(), origin or scene.pages, headers=asked)
    assert (answer.status_code, allowing(answer)) == (403, {})


def test_a_signed_url_gives_a_part_and_says_which(scene: Scene):
    answer = scene.ask("GET", scene.signed(), scene.pages, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"
    assert allowing(answer) == ANYBODY


@pytest.mark.parametrize("origin", [None, FOREIGN, "null"], ids=["a player", "a foreign page", "after a redirect"])
def test_a_signed_url_is_for_whoever_has_it(scene: Scene, origin: str | None):
    said = {"ResponseContentType": "audio/x", "ResponseContentDisposition": "inline"}
    answer = scene.ask("GET", scene.signed(**said), origin)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, SONG, "audio/x")
    assert allowing(answer) == (ANYBODY if origin else {})


def test_a_head_is_signed_for_itself(scene: Scene):
    answer = scene.ask("HEAD", scene.signed(operation="head_object"), scene.pages)
    assert (answer.status_code, answer.headers["content-length"]) == (200, "10")
    assert scene.ask("HEAD", scene.signed(), scene.pages).status_code == 403


def test_s3_itself_refuses_a_changed_url(scene: Scene):
    changed = scene.signed().replace("shown", "other")
    answer = scene.ask("GET", changed, scene.pages)
    assert answer.status_code == 403
    assert "SignatureDoesNotMatch" in answer.text


def test_nothing_else_of_a_bucket_is_answered(scene: Scene):
    signed = scene.signed()
    path, _, query = signed.partition("?")
    refused = {
        "unsigned": path,
        "signed by nobody": f"{path}?X-Amz-Signature=1",
        "by another scheme": signed.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        "for another service": signed.replace("%2Fs3%2F", "%2Fiam%2F"),
        "about rights": f"{signed}&acl",
        "about parts": f"{signed}&uploadId=1",
        "with an action": f"{signed}&Action=ListUsers",
        "signed twice": f"{signed}&X-Amz-Signature=1",
        "a list": f"{scene.url}/{scene.bucket}/?{query}",
        "no bucket": f"{scene.url}/nowhere/{KEY}?{query}",
        "a bucket without pages": signed.replace(scene.bucket, scene.other),
        "the emulator": f"{scene.url}/_ministack/health?{query}",
    }
    for what, url in refused.items():
        for origin in (None, scene.pages):
            answer = scene.ask("GET", url, origin)
            assert (answer.status_code, answer.text) == (403, REFUSAL), what
    for method in ("PUT", "DELETE", "POST"):
        assert scene.ask(method, signed, scene.pages, content=b"x").text == REFUSAL, method
    by_host = {"Host": f"{scene.bucket}.{scene.url.removeprefix('http://')}"}
    assert scene.ask("GET", f"{scene.url}/{KEY}?{query}", scene.pages, headers=by_host).text == REFUSAL
    assert scene.stored() >= {KEY}


def test_a_page_of_the_bucket_uploads_within_its_ticket(scene: Scene):
    answer = scene.send("uploads/sent", scene.pages)
    assert (answer.status_code, allowing(answer)["access-control-allow-origin"]) == (204, scene.pages)
    assert scene.s3.get_object(Bucket=scene.bucket, Key="uploads/sent")["Body"].read() == b"sung"
    url, fields = scene.form("uploads/large")
    large = scene.ask("POST", url, scene.pages, data=fields, files={"file": b"0123456789"})
    assert (large.status_code, "EntityTooLarge" in large.text) == (400, True)
    assert allowing(large)["access-control-allow-origin"] == scene.pages  # or the page would not learn why


@pytest.mark.parametrize("origin", [FOREIGN, "null", None], ids=["a foreign page", "a page in a frame", "no page"])
def test_no_other_page_uploads(scene: Scene, origin: str | None):
    assert scene.send("uploads/foreign", origin).text == REFUSAL
    assert "uploads/foreign" not in scene.stored()


def test_a_form_is_for_the_bucket_alone(scene: Scene):
    for more in ({"at": "/uploads/x"}, {"at": "?delete"}, {"at": "?Action=CreateQueue"}, {"bucket": scene.other}):
        assert scene.send("uploads/elsewhere", scene.pages, **more).text == REFUSAL, more
    url, fields = scene.form("uploads/elsewhere")
    assert scene.ask("POST", url, scene.pages, data=dict(fields)).text == REFUSAL  # no form of files
    assert "uploads/elsewhere" not in {*scene.stored(), *scene.stored(scene.other)}


# ---- in a browser --------------------------------------------------------------------------------------------------


def test_the_web_client_uploads_and_plays(scene: Scene, page: Page):
    page.goto(scene.pages)
    assert page.evaluate(UPLOAD, list(scene.form("uploads/from-a-page"))) == 204
    assert page.evaluate(READ, [scene.signed("uploads/from-a-page"), "bytes=1-2"]) == [206, "bytes 1-2/4", "un"]


def test_a_page_of_a_foreign_origin_plays_what_was_signed_and_uploads_nothing(scene: Scene, page: Page):
    page.goto(scene.foreign)
    assert page.evaluate(UPLOAD, list(scene.form("uploads/from-elsewhere"))) is None
    assert page.evaluate(READ, [scene.signed(), "bytes=0-1"]) == [206, "bytes 0-1/10", "01"]
    fields = "".join(f'<input name="{name}" value="{value}">' for name, value in scene.form("uploads/blind")[1].items())
    page.set_content(
        f'<form method="post" enctype="multipart/form-data" action="{scene.url}/{scene.bucket}">{fields}'
        '<textarea name="file">x</textarea><button>Go</button></form>'
    )
    with page.expect_navigation():
        page.get_by_role("button").click()
    assert REFUSAL.strip() in page.content()
    assert scene.stored().isdisjoint({"uploads/from-elsewhere", "uploads/blind"})
