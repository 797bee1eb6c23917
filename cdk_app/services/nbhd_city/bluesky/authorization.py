"""The authorization server, in both of its forms: what BlueSky's servers ask for (`/oauth/...`), and plain OAuth with
PKCE and a client secret (`/basic/...`).

https://atproto.com/specs/oauth, https://www.rfc-editor.org/rfc/rfc9126, https://www.rfc-editor.org/rfc/rfc7636
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cdk_app.services.nbhd_city.bluesky import pages
from cdk_app.services.nbhd_city.bluesky.proofs import Refused, check_client, check_dpop
from cdk_app.services.nbhd_city.bluesky.wire import Form, form_route, origin_of
from cdk_app.services.nbhd_city.bluesky.world import REQUEST_SECONDS, Account, Request, World
from cdk_app.services.stand_ins.answers import Answer, Json, json_answer
from cdk_app.services.stand_ins.sign_in_pages import refusal

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_HINT: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?|did:(plc|web):\S+|")
_TOKEN: Final = "stand-in-token"  # noqa: S105 -- nobody accepts it
ATPROTO: Final = "/oauth"
BASIC: Final = "/basic"


def authorization_routes(world: World) -> list[Route]:
    """Every route of the server; its issuer is the origin under which it is asked."""
    return [
        form_route(world, "metadata", "/.well-known/oauth-authorization-server", _metadata, method="GET"),
        form_route(world, "par", f"{ATPROTO}/par", _push),
        form_route(world, "token", f"{ATPROTO}/token", _exchange),
        form_route(world, "basic_token", f"{BASIC}/token", _exchange_basic),
        Route(f"{ATPROTO}/authorize", _Page(world).show_pushed),
        Route(f"{BASIC}/authorize", _Page(world).show_plain),
        Route("/decide", _Page(world).decide, methods=["POST"]),
    ]


def _metadata(_world: World, form: Form) -> Answer:
    server = f"{form.origin}{ATPROTO}"
    return json_answer(
        {
            "issuer": form.origin,
            "authorization_endpoint": f"{server}/authorize",
            "token_endpoint": f"{server}/token",
            "pushed_authorization_request_endpoint": f"{server}/par",
            "require_pushed_authorization_requests": True,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "scopes_supported": ["atproto"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
        }
    )


def _push(world: World, form: Form) -> Answer:
    key = check_dpop(world, form.headers.get("dpop"), url=form.url)
    client = check_client(world, form.fields, issuer=form.origin)
    request = _request(world, form.fields, key)
    if request.redirect_uri not in client.get("redirect_uris", []):
        raise Refused("invalid_request", "the client has no such redirect_uri")
    return _with_nonce(world, {"request_uri": world.push(request), "expires_in": REQUEST_SECONDS}, status=201)


def _exchange(world: World, form: Form) -> Answer:
    key = check_dpop(world, form.headers.get("dpop"), url=form.url)
    check_client(world, form.fields, issuer=form.origin)
    request, account = _redeemed(world, form.fields)
    if request.key_thumbprint != key:
        raise Refused("invalid_dpop_proof", "the request was pushed with another key")
    body: Json = {
        "access_token": _TOKEN,
        "token_type": "DPoP",
        "expires_in": 3600,
        "scope": "atproto",
        "sub": account.did,
    }
    return _with_nonce(world, body)


def _exchange_basic(world: World, form: Form) -> Answer:
    secret = form.fields.get("client_secret", "")
    if not secret or not hmac.compare_digest(secret, world.client_secret or secret):
        raise Refused("invalid_client", "the client secret is wrong")
    request, account = _redeemed(world, form.fields)
    if request.key_thumbprint is not None:
        raise Refused("invalid_grant", "the code belongs to another kind of sign-in")
    return json_answer(
        {"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "atproto", "sub": account.did}
    )


def _request(world: World, fields: Mapping[str, str], key: str | None) -> Request:
    """An authorization request, checked. Raises Refused, `invalid_request`."""
    wanted = {"response_type": "code", "scope": "atproto", "code_challenge_method": "S256"}
    wrong = [name for name, value in wanted.items() if fields.get(name) != value]
    wrong += [name for name in ("client_id", "redirect_uri", "state") if not fields.get(name)]
    if not _CHALLENGE.fullmatch(fields.get("code_challenge", "")):
        wrong.append("code_challenge")
    if not _HINT.fullmatch(fields.get("login_hint", "").lower()):
        wrong.append("login_hint")  # BlueSky's servers, too, take nothing but a handle or a DID
    if wrong:
        raise Refused("invalid_request", f"wrong or missing: {', '.join(wrong)}")
    return Request(
        client_id=fields["client_id"],
        redirect_uri=fields["redirect_uri"],
        state=fields["state"],
        challenge=fields["code_challenge"],
        expires_at=world.seconds() + REQUEST_SECONDS,
        login_hint=fields.get("login_hint", ""),
        key_thumbprint=key,
    )


def _redeemed(world: World, fields: Mapping[str, str]) -> tuple[Request, Account]:
    """What a code stands for. It is used up whatever comes of it. Raises Refused, `invalid_grant`."""
    if fields.get("grant_type") != "authorization_code":
        raise Refused("unsupported_grant_type", "only authorization_code")
    found = world.codes.use(fields.get("code", ""))
    if found is None:
        raise Refused("invalid_grant", "the code is unknown, was used or is over")
    request, account = found
    if (fields.get("client_id"), fields.get("redirect_uri")) != (request.client_id, request.redirect_uri):
        raise Refused("invalid_grant", "the code was given to another client or address")
    verifier = fields.get("code_verifier", "")
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not _VERIFIER.fullmatch(verifier) or digest != request.challenge:
        raise Refused("invalid_grant", "the verifier does not fit the challenge")
    return request, account


def _with_nonce(world: World, body: Json, *, status: int = 200) -> Answer:
    return json_answer(body, status=status, headers={"DPoP-Nonce": world.nonce, "Cache-Control": "no-store"})


class _Page:
    """What people see: whom do you want to sign in as?"""

    def __init__(self, world: World) -> None:
        self._world = world

    async def show_pushed(self, request: HttpRequest) -> Response:
        """For a request that was pushed before; it is all that may be said of it here."""
        uri = request.query_params.get("request_uri", "")
        pushed = self._world.pushed(uri)
        if pushed is None or pushed.client_id != request.query_params.get("client_id"):
            return HTMLResponse(refusal("This request is unknown or over."), status_code=400)
        return HTMLResponse(pages.choice(self._world.accounts.values(), uri, pushed))

    async def show_plain(self, request: HttpRequest) -> Response:
        """For a request that the browser carries."""
        try:
            asked = _request(self._world, dict(request.query_params), None)
        except Refused as refused:
            return HTMLResponse(refusal(str(refused)), status_code=400)
        return HTMLResponse(pages.choice(self._world.accounts.values(), self._world.push(asked), asked))

    async def decide(self, request: HttpRequest) -> Response:
        """Back to the client, with a code or a refusal."""
        form = dict(parse_qsl((await request.body()).decode()))
        uri = form.get("request_uri", "")
        account = self._world.accounts.get(form.get("account", ""))
        if account is None:
            refused = self._world.drop(uri)
            answer = {"error": "access_denied", "error_description": "The person refused"}
            return self._back(request, refused, answer)
        issued = self._world.issue_code(uri, account)
        return self._back(request, issued[0] if issued else None, {"code": issued[1]} if issued else {})

    def _back(self, request: HttpRequest, asked: Request | None, answer: dict[str, str]) -> Response:
        if asked is None:
            return HTMLResponse(refusal("This request is unknown or over."), status_code=400)
        answer["state"] = asked.state
        if asked.key_thumbprint is not None:
            answer["iss"] = origin_of(request)
        return RedirectResponse(f"{asked.redirect_uri}?{urlencode(answer)}", status_code=303)
