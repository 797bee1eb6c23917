"""Bodies of signing in."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field

from lambda_src.services.yoto_smart_stream.accounts.schemas import USER_SHAPE, UserBody
from lambda_src.services.yoto_smart_stream.bodies import RequestBody
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.sign_in.service import Session

_MAX_PASSWORD_BYTES: Final = 1024  # a hash goes over all of it


def _bounded(password: str) -> str:
    if len(password.encode("utf-8", "surrogatepass")) > _MAX_PASSWORD_BYTES:
        raise ValueError(f"At most {_MAX_PASSWORD_BYTES} bytes")
    return password


type Password = Annotated[str, AfterValidator(_bounded)]


class Credentials(RequestBody):
    username: str
    password: Password


class Refresh(RequestBody):
    refresh_token: str


class OwnPassword(RequestBody):
    current_password: Password
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


def tokens_body(session: Session) -> dict[str, Any]:
    """What a client keeps of a session."""
    return {
        "access_token": session.access.text,
        "token_type": "bearer",
        "expires_in": session.access.expires_in,
        "refresh_token": session.refresh.text,
        "refresh_expires_in": session.refresh.expires_in,
    }


def signed_in_body(session: Session) -> dict[str, Any]:
    """The same, and whose it is."""
    user: UserRecord = session.user
    return {**tokens_body(session), "user": USER_SHAPE(user)}
