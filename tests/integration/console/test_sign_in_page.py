"""The page where a sign-in ends, in Chromium: the real API over DynamoDB Local, and the stand-in of BlueSky."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from cdk_app.local.console.app import create_console
from cdk_app.local.running import LocalCloud, RunningService
from cdk_app.local.web import WebServer
from lambda_src.services.nbhd_city.tables import TABLES
from tests.integration.console.conftest import PHONE
from tests.support.ports import free_port
from tests.support.sign_in import PlayedSignIn

SERVICE_NAME: Final = "nbhd.city"


@dataclass(frozen=True, slots=True)
class Scene:
    """A console and the API that people sign in to."""

    api: str
    console: str
    api_server: WebServer

    def callback(self, query: str = "") -> str:
        return f"{self.console}/callback.html{query}"


@pytest.fixture
def scene(dynamodb_client, make_tables) -> Iterator[Scene]:
    api, console = (f"http://localhost:{free_port()}" for _ in range(2))
    world = PlayedSignIn(
        client=dynamodb_client,
        names=make_tables(TABLES),
        profile="basic",
        api_base_url=api,
        frontend_origins=f"http://localhost:5173,{console}",
        cors_allowed_origins=console,
    )
    service = RunningService(name="NbhdCity", title=SERVICE_NAME, url=api, signs_in=True)
    nobody = f"http://localhost:{free_port()}"
    local_cloud = LocalCloud(
        services=(RunningService(name="Other", title="Other", url=nobody), service),
        aws_endpoint=nobody,
        dynamodb_endpoint=nobody,
        console_url=console,
        state_directory=Path("unused"),
    )
    servers = [
        WebServer("API", world.app, port=int(api.rpartition(":")[2])),
        WebServer("console", create_console(local_cloud), port=int(console.rpartition(":")[2])),
    ]
    for server in servers:
        server.start()
    yield Scene(api, console, servers[0])
    for server in servers:
        server.stop()
    world.stop()


@pytest.fixture
def phone(browser: Browser, scene: Scene) -> Iterator[Page]:
    """A page on a phone; its test fails when the policy of the console blocks something, or a script breaks."""
    context = browser.new_context(viewport=PHONE)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=scene.console)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    yield opened
    context.close()
    assert complaints == []


def sign_in(page: Page, scene: Scene, account: str) -> None:
    """From the link on the overview to what the page says in the end."""
    page.goto(scene.console)
    page.get_by_role("link", name="sign in", exact=True).click()
    page.get_by_role("button", name=account).click()
    page.wait_for_url(f"{scene.console}/callback.html*")


def test_somebody_signs_in_and_uses_the_token_that_the_page_shows(scene: Scene, phone: Page):
    sign_in(phone, scene, "Sign in as Alice")
    expect(phone.get_by_role("status").filter(has_text="Signed in")).to_have_text("Signed in as alice.bsky.social.")
    expect(phone.locator("#handle")).to_have_text("alice.bsky.social")
    expect(phone.locator("#user-id")).to_have_text("did:plc:alice")
    phone.get_by_role("button", name="Copy token").click()
    expect(phone.get_by_role("button", name="Copied")).to_be_visible()
    token = phone.evaluate("navigator.clipboard.readText()")
    answer = httpx.get(f"{scene.api}/api/users/me/nbhds", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.json() == {"neighborhoods": [], "next_cursor": None}
    assert phone.locator("#curl").inner_text() == (
        f"curl {scene.api}/api/users/me/nbhds -H 'Authorization: Bearer {token}'"
    )


def test_neither_code_nor_token_is_kept_and_the_page_fits_a_phone(scene: Scene, phone: Page):
    sign_in(phone, scene, "Sign in as Bob")
    expect(phone.locator("#handle")).to_have_text("bob.bsky.social")
    assert phone.url == scene.callback()
    assert json.loads(phone.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")) == [{}, {}]
    assert phone.context.cookies(scene.console) == []  # that of the sign-in belongs to /auth and is deleted
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    phone.reload()
    expect(phone.get_by_text("Nobody is signing in.")).to_be_visible()


def test_somebody_who_refuses_is_told_so_and_may_try_again(scene: Scene, phone: Page):
    sign_in(phone, scene, "Refuse")
    expect(phone.get_by_role("alert")).to_have_text("You refused, and nobody was signed in. (access_denied)")
    phone.get_by_role("link", name="Sign in").click()
    expect(phone.get_by_role("button", name="Sign in as Alice")).to_be_visible()


def test_a_code_that_is_not_good_is_what_the_api_says_of_it(scene: Scene, phone: Page):
    phone.goto(scene.callback("?code=used-before"))
    expect(phone.locator("#sign-in-state")).to_contain_text("(invalid_grant)")
    expect(phone.locator("#signed-in")).to_be_hidden()


def test_an_api_that_is_not_there_is_named(scene: Scene, phone: Page):
    scene.api_server.stop()
    phone.goto(scene.callback("?code=good"))
    expect(phone.locator("#sign-in-state")).to_have_text(f"The API at {scene.api} did not answer.")


def test_text_of_the_address_stays_text(scene: Scene, phone: Page):
    evil = "<img src=x onerror=\"document.title='taken'\">"
    phone.goto(scene.callback(f"?error={evil}"))
    expect(phone.get_by_role("alert")).to_have_text(f"The sign-in failed. ({evil})")
    assert phone.locator("img").count() == 0


def test_the_page_may_ask_that_one_api_and_nobody_else(scene: Scene, browser: Browser):
    page = browser.new_page()
    page.goto(scene.callback())
    fetched: list[Any] = [
        page.evaluate("url => fetch(url).then(answer => answer.status, error => error.name)", url)
        for url in (f"{scene.api}/health", f"{scene.console}/", "http://localhost:1/")
    ]
    page.close()
    assert fetched == [200, "TypeError", "TypeError"]
