"""The routes of signing in, and of live profiles, which nobody but BlueSky has."""

from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from lambda_src.services.nbhd_city.bootstrap.api import Api
from lambda_src.services.nbhd_city.handlers.callers import SIGNED_IN, required
from lambda_src.services.nbhd_city.models import INVALID_HANDLE, LiveProfile
from lambda_src.services.nbhd_city.service.sign_in import MAX_VALUE_CHARACTERS, STATE_SECONDS, SignedIn, cookie_name

COOKIE_PATH: Final = "/auth"
# Neither an address with a code in it nor an answer with a token may stay anywhere on the way.
NO_STORE: Final = {"Cache-Control": "no-store"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

type ReturnUrl = Annotated[str | None, Query(max_length=2048, description="A page of the product to come back to")]
type Hint = Annotated[str | None, Query(max_length=253, description="Handle to fill in at the authorization server")]


class LoginCode(BaseModel):
    """What the callback page was handed."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=MAX_VALUE_CHARACTERS)


class Credentials(BaseModel):
    """Of a test user."""

    model_config = ConfigDict(extra="forbid")

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


class Message(BaseModel):
    message: str


class UserProfile(BaseModel):
    did: str
    handle: str
    displayName: str | None  # noqa: N815 -- BlueSky's own names
    description: str | None
    avatar: str | None
    banner: str | None
    followersCount: int  # noqa: N815
    followsCount: int  # noqa: N815
    postsCount: int  # noqa: N815


def add_sign_in_routes(app: FastAPI, api: Api) -> None:
    """Add `/auth/*`, `/oauth/*` and `GET /api/users/profile`. To be called before `/api/users/{user_id}` is added."""
    _add_browser_routes(app, api)
    _add_token_routes(app, api)
    if api.sign_in.client is not None:
        _add_client_routes(app, api)
    if api.sign_in.test_login is not None:
        _add_test_login(app, api)

    @app.get("/api/users/profile", response_model=UserProfile, dependencies=[SIGNED_IN], tags=["users"])
    def read_live_profile(request: Request) -> Response:
        """The caller's profile as BlueSky shows it; up to a day old, and marked so, while BlueSky cannot be reached."""
        seen = api.sign_in.live_profiles.read(required(request).did)
        headers = {"X-Profile-Stale": "true"} if seen.is_stale else {}
        return JSONResponse(_live_json(seen.profile), headers=headers)


def _add_browser_routes(app: FastAPI, api: Api) -> None:
    sign_in = api.sign_in.sign_in
    is_secure = not _is_plain_loopback(api.settings.redirect_uri)

    @app.get("/auth/login", status_code=302, response_class=RedirectResponse, tags=["sign-in"])
    def login(return_url: ReturnUrl = None, handle: Hint = None) -> Response:
        """Send the browser to the authorization server."""
        started = sign_in.begin(return_url=return_url, handle=handle)
        answer = RedirectResponse(started.url, status_code=302, headers=NO_STORE)
        answer.set_cookie(
            started.cookie_name,
            started.cookie_value,
            max_age=STATE_SECONDS,
            path=COOKIE_PATH,
            secure=is_secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    @app.get("/auth/callback", status_code=302, response_class=RedirectResponse, tags=["sign-in"])
    def callback(request: Request) -> Response:
        """Where the browser comes back to: `code`, `state` and `iss`, or `error` and `state`."""
        given = dict(request.query_params)
        name = cookie_name(given.get("state", ""))
        url = sign_in.complete(given, browser_secret=request.cookies.get(name))
        answer = RedirectResponse(url, status_code=302, headers={**NO_STORE, "Referrer-Policy": "no-referrer"})
        answer.delete_cookie(name, path=COOKIE_PATH, secure=is_secure, httponly=True, samesite="lax")
        return answer


def _add_token_routes(app: FastAPI, api: Api) -> None:
    sign_in = api.sign_in.sign_in

    @app.post("/auth/token", response_model=Token, tags=["sign-in"])
    def redeem(body: LoginCode) -> Response:
        """The access token for a login code, which is good for a minute and for once."""
        return JSONResponse(_token_json(sign_in.redeem(body.code)), headers=NO_STORE)

    @app.get("/auth/me", response_model=Me, dependencies=[SIGNED_IN], tags=["sign-in"])
    def read_me(request: Request) -> Response:
        """Whom the token names."""
        caller = required(request)
        me = {"user_id": caller.did, "authenticated": True, "handle": caller.handle, "expires_at": caller.expires_at}
        return JSONResponse(me)

    @app.post("/auth/logout", response_model=Message, dependencies=[SIGNED_IN], tags=["sign-in"])
    def logout(request: Request) -> Response:
        """Nothing is kept here: the client forgets its token."""
        required(request)
        return JSONResponse({"message": "Successfully logged out"})


def _add_client_routes(app: FastAPI, api: Api) -> None:
    client = api.sign_in.client
    assert client is not None

    @app.get("/oauth/client-metadata.json", tags=["sign-in"])
    def read_client_metadata() -> Response:
        """What this client is; the address of this document is its `client_id`."""
        return JSONResponse(client.metadata())

    @app.get("/oauth/jwks.json", tags=["sign-in"])
    def read_key_set() -> Response:
        """The public keys of this client."""
        return JSONResponse(client.key_set())


def _add_test_login(app: FastAPI, api: Api) -> None:
    test_login = api.sign_in.test_login
    assert test_login is not None

    @app.post("/auth/test-login", response_model=Token, tags=["sign-in"])
    def log_in_with_password(body: Credentials) -> Response:
        """Sign in as a test user; the route exists outside production only."""
        identity = test_login.identify(body.username, body.password)
        return JSONResponse(_token_json(api.sign_in.sign_in.sign_in(identity, method="test")), headers=NO_STORE)


def _is_plain_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _token_json(signed_in: SignedIn) -> dict[str, Any]:
    profile = signed_in.profile
    return {
        "access_token": signed_in.token.text,
        "token_type": "bearer",
        "expires_in": signed_in.token.expires_in,
        "user": {
            "id": signed_in.identity.did,
            "handle": signed_in.identity.handle or INVALID_HANDLE,
            "display_name": profile.shown_name if profile else None,
            "avatar": profile.avatar if profile else None,
            "created_at": profile.created_at if profile else None,
        },
    }


def _live_json(profile: LiveProfile) -> dict[str, Any]:
    return {
        "did": profile.did,
        "handle": profile.handle,
        "displayName": profile.display_name,
        "description": profile.description,
        "avatar": profile.avatar,
        "banner": profile.banner,
        "followersCount": profile.followers_count,
        "followsCount": profile.follows_count,
        "postsCount": profile.posts_count,
    }
