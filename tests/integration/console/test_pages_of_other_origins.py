"""What pages in a browser may do in the local cloud: use the API for its web client, and nothing of the emulator."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page
from starlette.responses import HTMLResponse

from cdk_app.local.cors import restore_cors
from cdk_app.local.ministack import MiniStack
from cdk_app.local.proxy import create_proxy
from cdk_app.local.web import WebServer
from tests.support.http_server import ThreadedServer
from tests.support.ports import free_port

# Answers as our functions do, whose framework adds CORS headers too, and tells what reached it.
FUNCTION: Final = """
import json

def handler(event, context):
    headers = {"content-type": "application/json", "access-control-expose-headers": "x-of-the-function"}
    origin = event["headers"].get("origin")
    if origin == ORIGIN:
        headers["access-control-allow-origin"] = origin
    return {"statusCode": 200, "headers": headers, "body": json.dumps(event)}
"""
FETCH: Final = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return [answer.status, answer.type === "opaque" ? null : await answer.json()];
    } catch (error) {
        return [null, error.name];
    }
}"""
SHOW_IMAGE: Final = """url => new Promise(done => {
    const image = new Image();
    image.onerror = () => done();
    image.src = url;
})"""
JSON: Final = {"Content-Type": "application/json"}
REFUSED: Final = [None, "TypeError"]  # all that a page learns


@dataclass(frozen=True, slots=True)
class Scene:
    """An API behind its proxy, the emulator behind both, and pages of two origins."""

    cloud: MiniStack
    api: str
    pages: str

    @property
    def allowed(self) -> str:
        return self.pages

    @property
    def foreign(self) -> str:
        return self.pages.replace("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def scene(cloud: MiniStack) -> Iterator[Scene]:
    with ThreadedServer(HTMLResponse("<!doctype html><title>A page</title>")) as server:
        pages = server.url.replace("127.0.0.1", "localhost")
        api_id = _create_api(cloud, FUNCTION.replace("ORIGIN", repr(pages)))
        rules = {"AllowOrigins": [pages], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["Content-Type"]}
        api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"CorsConfiguration": rules}}
        restore_cors(cloud, api_id=api_id, template={"Resources": {"Api": api}})
        port = free_port()
        proxy = WebServer("proxy", create_proxy(emulator_url=cloud.url, api_id=api_id), port=port)
        proxy.start()
        yield Scene(cloud, f"http://localhost:{port}", pages)
        proxy.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose complaints are expected: this browser says on its console what it refused."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_the_web_client_reads_the_api_across_origins(scene: Scene, page: Page):
    page.goto(scene.allowed)
    status, event = _fetch(page, f"{scene.api}/api/things?page=1")
    assert (status, event["rawPath"], event["headers"]["origin"]) == (200, "/api/things", scene.allowed)
    assert "x-handed-on-by-proxy" not in event["headers"]


def test_the_web_client_writes_after_its_preflight(scene: Scene, page: Page):
    page.goto(scene.allowed)
    status, event = _fetch(page, f"{scene.api}/api/things", method="POST", headers=JSON, body='{"a":1}')
    assert (status, event["body"]) == (200, '{"a":1}')


def test_a_page_of_a_foreign_origin_neither_reads_nor_writes(scene: Scene, page: Page):
    page.goto(scene.foreign)
    assert _fetch(page, f"{scene.api}/api/things") == REFUSED
    assert _fetch(page, f"{scene.api}/api/things", method="POST", headers=JSON, body="{}") == REFUSED


@pytest.mark.parametrize("origin", ["allowed", "foreign"])
def test_no_page_reads_from_the_emulator(scene: Scene, page: Page, origin: str):
    page.goto(getattr(scene, origin))
    assert _fetch(page, f"{scene.cloud.url}/_ministack/health") == REFUSED
    handed_on = {"x-handed-on-by-proxy": "1"}
    assert _fetch(page, f"{scene.cloud.url}/_ministack/health", headers=handed_on) == REFUSED


def test_no_page_changes_anything_in_the_emulator(scene: Scene, page: Page):
    page.goto(scene.foreign)
    fields = {"Action": "CreateQueue", "Version": "2012-11-05"}
    taken = urlencode({**fields, "QueueName": "taken"})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent_blindly = _fetch(page, scene.cloud.url, method="POST", mode="no-cors", headers=form, body=taken)
    assert sent_blindly == [0, None]
    page.evaluate(SHOW_IMAGE, f"{scene.cloud.url}/?{taken}")
    page.set_content(f'<form method="post" action="{scene.cloud.url}/?{taken}"><button>Go</button></form>')
    with page.expect_navigation():
        page.get_by_role("button").click()
    assert "Browsers may not use the emulator" in page.content()
    page.goto(f"{scene.cloud.url}/?{taken}")  # as from a link in an e-mail
    assert "Browsers may not use the emulator" in page.content()

    made = httpx.post(scene.cloud.url, data={**fields, "QueueName": "made"}, trust_env=False)
    assert made.is_success  # what the page asked for is something that programs get
    assert _queue_names(scene.cloud) == ["made"]


def _fetch(page: Page, url: str, **options: Any) -> Any:
    return page.evaluate(FETCH, [url, options])


def _queue_names(cloud: MiniStack) -> list[str]:
    queues = cloud.session.client("sqs", endpoint_url=cloud.url)
    return [url.rpartition("/")[2] for url in queues.list_queues().get("QueueUrls", [])]


def _create_api(cloud: MiniStack, source: str) -> str:
    """An HTTP API that hands everything to one function; returns its id."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", source)
    function = cloud.session.client("lambda", endpoint_url=cloud.url).create_function(
        FunctionName="echo",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::123456789012:role/function",
        Code={"ZipFile": code.getvalue()},
    )
    gateway = cloud.session.client("apigatewayv2", endpoint_url=cloud.url)
    api_id = gateway.create_api(Name="echo", ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function["FunctionArn"],
        PayloadFormatVersion="2.0",
    )
    gateway.create_route(ApiId=api_id, RouteKey="$default", Target=f"integrations/{integration['IntegrationId']}")
    gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    return str(api_id)
