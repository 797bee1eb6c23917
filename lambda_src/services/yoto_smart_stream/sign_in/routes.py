"""Routes of signing in, and of the signed-in user."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request

from lambda_src.runtime.bodies import RequestBody
from lambda_src.runtime.routing import FromRequest, Given, Provided, Router
from lambda_src.services.yoto_smart_stream.bodies import USER_SHAPE, UserBody
from lambda_src.services.yoto_smart_stream.principals import SignedIn
from lambda_src.services.yoto_smart_stream.sign_in.service import Session, SignInService


def _address(request: Request, _: Provided) -> str:
    """Where a request comes from as API Gateway reports it; what its headers say anybody can write."""
    return "" if request.client is None else request.client.host


type Address = Annotated[str, FromRequest(_address)]

_MAX_TYPED_BYTES: Final = 1024  # a hash goes over all of it, and a normal form takes the square of the time


def _bounded(typed: str) -> str:
    if len(typed.encode("utf-8", "surrogatepass")) > _MAX_TYPED_BYTES:
        raise ValueError(f"At most {_MAX_TYPED_BYTES} bytes")
    return typed


type Typed = Annotated[str, AfterValidator(_bounded)]
"""A name or password of anybody."""


class Credentials(RequestBody):
    username: Typed
    password: Typed


class Refresh(RequestBody):
    refresh_token: str


class OwnPassword(RequestBody):
    current_password: Typed
    new_password: str


class Tokens(BaseModel):
    access_token: str
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Seconds")
    refresh_token: str = Field(
        description="Good for one use, which brings the next one. Refresh from one place at a time, in all tabs: "
        "one that is used twice ends the sign-in, and so does the repeat of a refresh whose answer got lost"
    )
    refresh_expires_in: int = Field(description="Seconds")


class SignedInUser(Tokens):
    user: UserBody


router: Final = Router(tags=["sign-in"])


@router.post("/api/user/login", response_model=SignedInUser)
def log_in(sign_in: Given[SignInService], address: Address, body: Credentials) -> dict[str, Any]:
    """Sign in with name and password."""
    return _signed_in(sign_in.sign_in(body.username, body.password, address=address))


@router.post("/api/user/refresh", response_model=Tokens)
def refresh(sign_in: Given[SignInService], body: Refresh) -> dict[str, Any]:
    """Both tokens anew. The refresh token is used up by it."""
    return _tokens(sign_in.refresh(body.refresh_token))


@router.post("/api/user/logout", status_code=204)
def log_out(sign_in: Given[SignInService], body: Refresh) -> None:
    """End a sign-in, whether there is one or not. Its access token goes on for up to 15 minutes."""
    sign_in.sign_out(body.refresh_token)


@router.get("/api/user/me", response_model=UserBody)
def read_me(caller: SignedIn) -> dict[str, Any]:
    """Whoever is signed in."""
    return USER_SHAPE(caller)


@router.post("/api/user/password", response_model=SignedInUser)
def change_password(
    sign_in: Given[SignInService], caller: SignedIn, address: Address, body: OwnPassword
) -> dict[str, Any]:
    """Choose another password, which voids all tokens so far."""
    session = sign_in.change_password(caller, current=body.current_password, new=body.new_password, address=address)
    return _signed_in(session)


def _tokens(session: Session) -> dict[str, Any]:
    """What a client keeps of a session."""
    return {
        "access_token": session.access.text,
        "token_type": "bearer",
        "expires_in": session.access.expires_in,
        "refresh_token": session.refresh.text,
        "refresh_expires_in": session.refresh.expires_in,
    }


def _signed_in(session: Session) -> dict[str, Any]:
    """The same, and whose it is."""
    return {**_tokens(session), "user": USER_SHAPE(session.user)}
