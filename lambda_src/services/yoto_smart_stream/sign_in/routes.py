"""Routes of signing in, and of the signed-in user."""

from typing import Annotated, Any, Final

from starlette.requests import Request

from lambda_src.runtime.routing import FromRequest, Given, Provided, Router
from lambda_src.services.yoto_smart_stream.accounts.schemas import USER_SHAPE, UserBody
from lambda_src.services.yoto_smart_stream.principals import SignedIn
from lambda_src.services.yoto_smart_stream.sign_in.schemas import (
    Credentials,
    OwnPassword,
    Refresh,
    SignedInUser,
    Tokens,
    signed_in_body,
    tokens_body,
)
from lambda_src.services.yoto_smart_stream.sign_in.service import SignInService


def _address(request: Request, _: Provided) -> str:
    """Where a request comes from as API Gateway reports it; what its headers say anybody can write."""
    return "" if request.client is None else request.client.host


type Address = Annotated[str, FromRequest(_address)]

router: Final = Router(tags=["sign-in"])


@router.post("/api/user/login", response_model=SignedInUser)
def log_in(sign_in: Given[SignInService], address: Address, body: Credentials) -> dict[str, Any]:
    """Sign in with name and password."""
    return signed_in_body(sign_in.sign_in(body.username, body.password, address=address))


@router.post("/api/user/refresh", response_model=Tokens)
def refresh(sign_in: Given[SignInService], body: Refresh) -> dict[str, Any]:
    """Both tokens anew. The refresh token is used up by it."""
    return tokens_body(sign_in.refresh(body.refresh_token))


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
    return signed_in_body(session)
