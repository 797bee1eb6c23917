"""A stand-in for Google's sign-in: published keys, codes for ID tokens, and a plain page to choose a person on.

It speaks the real wire formats on loopback and refuses what Google refuses: unknown clients, addresses that are not
theirs, codes that were used, wrong verifiers. Tests give `google_app` a `World` of their own.

https://developers.google.com/identity/protocols/oauth2/web-server, https://www.rfc-editor.org/rfc/rfc7636
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from cdk_app.services.algoitny.google import pages
from cdk_app.services.algoitny.google.world import TOKEN_SECONDS, Endpoint, Person, Request, World
from cdk_app.services.stand_ins.answers import Answer, Json, json_answer
from cdk_app.services.stand_ins.sign_in_pages import refusal

CERTS: Final = "/certs"
TOKEN: Final = "/token"  # noqa: S105 -- a path
AUTHORIZE: Final = "/authorize"
CERTS_SECONDS: Final = 3_600
POSTMESSAGE: Final = "postmessage"  # in place of an address, where a script of Google's takes the code from a window
_HERE: Final = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?(/[!-~]*)?")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_ASKED: Final = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "login_hint", "code_challenge",
    "code_challenge_method",
)  # fmt: skip

type Fields = Mapping[str, str]


class Refused(Exception):
    """A request is wrong. error: OAuth's name of it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


def sample_app() -> Starlette:
    """The sample people, as a local run has them."""
    return google_app(World())


def google_app(world: World) -> Starlette:
    """The stand-in; `GET /` answers 200 with its people once the server is up."""

    async def index(_: HttpRequest) -> Response:
        return JSONResponse({"accounts": {person.email: person.name for person in world.people.values()}})

    return Starlette(
        routes=[
            Route("/", index),
            Route(CERTS, _machine(world, "certs", lambda _: _certs(world))),
            Route(TOKEN, _machine(world, "token", lambda fields: _exchange(world, fields)), methods=["POST"]),
            Route(AUTHORIZE, _Page(world).show),
            Route("/decide", _Page(world).decide, methods=["POST"]),
        ]
    )


def _machine(world: World, name: Endpoint, rules: Callable[[Fields], Answer]) -> Callable[[HttpRequest], object]:
    """An endpoint for machines, where an ordered fault goes first."""

    async def endpoint(request: HttpRequest) -> Response:
        fields = await _form(request)
        try:
            answer = world.called(name) or rules(fields)
        except Refused as refused:
            status = 401 if refused.error == "invalid_client" else 400
            body = {"error": refused.error, "error_description": refused.description}
            answer = json_answer(body, status=status)
        return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)

    return endpoint


async def _form(request: HttpRequest) -> Fields:
    return dict(parse_qsl((await request.body()).decode()))


def _certs(world: World) -> Answer:
    return json_answer(
        world.certs(), headers={"Cache-Control": f"public, max-age={CERTS_SECONDS}, must-revalidate, no-transform"}
    )


def _exchange(world: World, fields: Fields) -> Answer:
    client_id, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    if client_id not in world.client_ids:
        raise Refused("invalid_client", "The OAuth client was not found.")
    if not secret or not hmac.compare_digest(secret.encode(), (world.client_secret or secret).encode()):
        raise Refused("invalid_client", "Unauthorized")
    request, person = _redeemed(world, fields)
    token = world.id_token(person, client_id, nonce=request.nonce or None)
    body: Json = {
        "access_token": "ya29.stand-in", "expires_in": TOKEN_SECONDS - 1, "scope": "openid email profile",
        "token_type": "Bearer", "id_token": token,
    }  # fmt: skip
    return json_answer(body, headers={"Cache-Control": "no-store"})


def _redeemed(world: World, fields: Fields) -> tuple[Request, Person]:
    """What a code stands for. It is used up whatever comes of it. Raises Refused."""
    if fields.get("grant_type") != "authorization_code":
        raise Refused("unsupported_grant_type", "Invalid grant_type")
    found = world.codes.use(fields.get("code", ""))
    if found is None or fields["client_id"] != found[0].client_id:
        raise Refused("invalid_grant", "Malformed auth code.")
    request = found[0]
    if fields.get("redirect_uri") != request.redirect_uri:
        raise Refused("redirect_uri_mismatch", "Bad Request")
    verifier = fields.get("code_verifier", "")
    if bool(verifier) != bool(request.challenge) or (verifier and _challenge(verifier) != request.challenge):
        raise Refused("invalid_grant", "Invalid code verifier.")
    return found


def _challenge(verifier: str) -> str:
    """S256 of a verifier; of what is none, one that nothing has."""
    if not _VERIFIER.fullmatch(verifier):
        return ""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _request(world: World, fields: Fields) -> Request:
    """A request for a code, checked. Raises Refused."""
    redirect_uri, challenge = fields.get("redirect_uri", ""), fields.get("code_challenge", "")
    if fields.get("client_id") not in world.client_ids:
        raise Refused("invalid_client", "The OAuth client was not found.")
    if redirect_uri != POSTMESSAGE and not _HERE.fullmatch(redirect_uri):
        raise Refused("redirect_uri_mismatch", "The address to go back to is none on this machine.")
    if fields.get("response_type") != "code" or "openid" not in fields.get("scope", "").split():
        raise Refused("invalid_request", "Only response_type=code, with openid in the scope.")
    if challenge and (fields.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge)):
        raise Refused("invalid_request", "Only S256 of a verifier.")
    return Request(
        client_id=fields["client_id"],
        redirect_uri=redirect_uri,
        state=fields.get("state", ""),
        challenge=challenge,
        nonce=fields.get("nonce", ""),
    )


class _Page:
    """What people see: whom do you want to sign in as?"""

    def __init__(self, world: World) -> None:
        self._world = world

    async def show(self, request: HttpRequest) -> Response:
        asked = {name: value for name in _ASKED if (value := request.query_params.get(name))}
        try:
            _request(self._world, asked)
        except Refused as wrong:
            return _refusal(wrong)
        return HTMLResponse(pages.choice(self._world.people.values(), asked))

    async def decide(self, request: HttpRequest) -> Response:
        """Back to the client, with a code or a refusal."""
        form = await _form(request)
        try:
            asked = _request(self._world, form)
        except Refused as wrong:
            return _refusal(wrong)
        person = self._world.people.get(form.get("account", ""))
        if person is None:
            answer = {"error": "access_denied"}
        else:
            answer = {"code": self._world.codes.issue((asked, person), prefix="4/0"), "scope": "openid email profile"}
        if asked.redirect_uri == POSTMESSAGE:
            shown = pages.code(answer["code"]) if person else refusal("You refused.")
            return HTMLResponse(shown)
        answer |= {"state": asked.state} if asked.state else {}
        joint = "&" if "?" in asked.redirect_uri else "?"
        return RedirectResponse(f"{asked.redirect_uri}{joint}{urlencode(answer)}", status_code=303)


def _refusal(wrong: Refused) -> Response:
    return HTMLResponse(refusal(f"Error: {wrong.error}. {wrong.description}"), status_code=400)
