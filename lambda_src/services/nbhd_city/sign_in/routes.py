"""Routes of signing in, and their bodies."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import RedirectResponse, Response

from lambda_src.runtime.bodies import RequestBody
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.nbhd_city import bodies
from lambda_src.services.nbhd_city.bodies import MessageBody
from lambda_src.services.nbhd_city.models import INVALID_HANDLE
from lambda_src.services.nbhd_city.principals import SignedIn
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.services.nbhd_city.sign_in.atproto import OAuthClient
from lambda_src.services.nbhd_city.sign_in.service import (
    MAX_VALUE_CHARACTERS,
    STATE_SECONDS,
    Session,
    SignIn,
    TestLogin,
    cookie_name,
)


class LoginCode(RequestBody):
    """What the callback page was handed."""

    code: str = Field(max_length=MAX_VALUE_CHARACTERS)


class Credentials(RequestBody):
    """Of a test user."""

    username: str = Field(max_length=256)
    password: str = Field(max_length=256)


class TokenUser(BaseModel):
    id: str
    handle: str
    display_name: str | None
    avatar: str | None
    created_at: str | None


class Token(BaseModel):
    access_token: str
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Seconds")
    user: TokenUser


class Me(BaseModel):
    user_id: str
    authenticated: Literal[True]
    handle: str | None
    expires_at: int = Field(description="Epoch seconds")


def token_json(session: Session) -> dict[str, Any]:
    profile = session.profile
    return {
        "access_token": session.token.text,
        "token_type": "bearer",
        "expires_in": session.token.expires_in,
        "user": {
            "id": session.identity.did,
            "handle": session.identity.handle or INVALID_HANDLE,
            "display_name": profile.shown_name if profile else None,
            "avatar": profile.avatar if profile else None,
            "created_at": profile.created_at if profile else None,
        },
    }


COOKIE_PATH: Final = "/auth"
# Neither an address with a code in it nor an answer with a token may stay anywhere on the way.
NO_STORE: Final = {"Cache-Control": "no-store"}

type ReturnUrl = Annotated[str | None, Query(max_length=2048, description="A page of the product to come back to")]
type Hint = Annotated[
    str | None,
    Query(max_length=253, description="Handle or DID to fill in at the authorization server"),
    AfterValidator(bodies.handle),
]

router: Final = Router(tags=["sign-in"])
client_router: Final = Router(tags=["sign-in"])
"""For profile `atproto`: the client describes itself to the authorization server."""
test_login_router: Final = Router(tags=["sign-in"])
"""For test users, outside production only."""


@router.get("/auth/login", writes=True, status_code=302, response_class=RedirectResponse)
def login(
    sign_in: Given[SignIn], settings: Given[ApiSettings], return_url: ReturnUrl = None, handle: Hint = None
) -> Response:
    """Send the browser to the authorization server."""
    started = sign_in.begin(return_url=return_url, handle=handle)
    answer = RedirectResponse(started.url, status_code=302, headers=NO_STORE)
    answer.set_cookie(
        started.cookie_name,
        started.cookie_value,
        max_age=STATE_SECONDS,
        path=COOKIE_PATH,
        secure=settings.has_secure_cookies,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/auth/callback", writes=True, status_code=302, response_class=RedirectResponse)
def callback(sign_in: Given[SignIn], settings: Given[ApiSettings], request: Request) -> Response:
    """Where the browser comes back to: `code`, `state` and `iss`, or `error` and `state`."""
    given = dict(request.query_params)
    name = cookie_name(given.get("state", ""))
    url = sign_in.complete(given, browser_secret=request.cookies.get(name))
    answer = RedirectResponse(url, status_code=302, headers={**NO_STORE, "Referrer-Policy": "no-referrer"})
    answer.delete_cookie(name, path=COOKIE_PATH, secure=settings.has_secure_cookies, httponly=True, samesite="lax")
    return answer


@router.post("/auth/token", response_model=Token)
def redeem(sign_in: Given[SignIn], body: LoginCode) -> Response:
    """The access token for a login code, which is good for a minute and for once."""
    return JsonAnswer(token_json(sign_in.redeem(body.code)), headers=NO_STORE)


@router.get("/auth/me", response_model=Me)
def read_me(caller: SignedIn) -> dict[str, Any]:
    """Whom the token names."""
    return {"user_id": caller.did, "authenticated": True, "handle": caller.handle, "expires_at": caller.expires_at}


@router.post("/auth/logout", response_model=MessageBody)
def logout(caller: SignedIn) -> dict[str, Any]:  # noqa: ARG001 -- who is not signed in cannot sign out
    """Nothing is kept here: the client forgets its token."""
    return {"message": "Successfully logged out"}


@client_router.get("/oauth/client-metadata.json")
def read_client_metadata(client: Given[OAuthClient]) -> dict[str, Any]:
    """What this client is; the address of this document is its `client_id`."""
    return client.metadata()


@client_router.get("/oauth/jwks.json")
def read_key_set(client: Given[OAuthClient]) -> dict[str, Any]:
    """The public keys of this client."""
    return client.key_set()


@test_login_router.post("/auth/test-login", response_model=Token)
def log_in_with_password(sign_in: Given[SignIn], test_login: Given[TestLogin], body: Credentials) -> Response:
    """Sign in as a test user; the route exists outside production only."""
    identity = test_login.identify(body.username, body.password)
    return JsonAnswer(token_json(sign_in.sign_in(identity, method="test")), headers=NO_STORE)
