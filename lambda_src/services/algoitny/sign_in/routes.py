"""Routes of signing in, staying signed in and signing out."""

from typing import Any, Final, Literal

from pydantic import BaseModel, Field, StrictBool

from lambda_src.errors import BadRequest
from lambda_src.runtime.bodies import RequestBody
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.sign_in.clients import GoogleCode
from lambda_src.services.algoitny.sign_in.service import Session, SignInService
from lambda_src.services.algoitny.users.service import UserBody, UserService


class GoogleProof(RequestBody):
    """One of an ID token, as `id_token` or `token`, or a code with the address that it was asked with."""

    id_token: str | None = None
    token: str | None = None
    code: str | None = Field(default=None, max_length=2_048)
    redirect_uri: str | None = Field(default=None, max_length=2_048)
    code_verifier: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._~-]{43,128}$")
    plan: str | None = Field(default=None, max_length=100, description="Of somebody new; one that they may choose")

    def proof(self) -> str | GoogleCode:
        """Raises BadRequest where there is none, or more than one."""
        match [each for each in (self.id_token, self.token, self.code) if each]:
            case [given] if given != self.code:
                return given
            case [given] if self.redirect_uri:
                return GoogleCode(given, self.redirect_uri, self.code_verifier)
            case _:
                raise BadRequest("Send one of `id_token`, or `code` with its `redirect_uri`")


class Refresh(RequestBody):
    refresh: str


class SignOut(Refresh):
    all_devices: StrictBool = False


class Tokens(BaseModel):
    access: str
    refresh: str = Field(
        description="Good for one use, which brings the next one; for 10 seconds its repeat brings the same one. One "
        "that is used again later ends the sign-in"
    )
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds that `access` is good for")


class SignedInUser(Tokens):
    user: UserBody
    is_new_user: bool


class SignedOut(BaseModel):
    message: str


router: Final = Router(tags=["sign-in"])


@router.post("/api/auth/google", response_model=SignedInUser)
def sign_in(signing: Given[SignInService], people: Given[UserService], body: GoogleProof) -> dict[str, Any]:
    """Sign in with Google; somebody new gets an account."""
    session = signing.sign_in(body.proof(), plan=body.plan)
    return {**_tokens(session), "user": people.shown(session.user), "is_new_user": session.is_new_user}


@router.post("/api/auth/refresh", response_model=Tokens)
def refresh(signing: Given[SignInService], body: Refresh) -> dict[str, Any]:
    """Both tokens anew. The refresh token is used up by it."""
    return _tokens(signing.refresh(body.refresh))


@router.post("/api/auth/logout", response_model=SignedOut)
def sign_out(signing: Given[SignInService], body: SignOut) -> dict[str, Any]:
    """End a sign-in, whether there is one or not; `all_devices` voids every token of its user, access tokens too."""
    signing.sign_out(body.refresh, all_devices=body.all_devices)
    return {"message": "Signed out"}


def _tokens(session: Session) -> dict[str, Any]:
    return {
        "access": session.access.text,
        "refresh": session.refresh.text,
        "token_type": "Bearer",
        "expires_in": session.access.expires_in,
    }
