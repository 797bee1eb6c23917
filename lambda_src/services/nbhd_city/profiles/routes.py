"""Routes of profiles, and their bodies."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from lambda_src.runtime.bodies import ChangeBody, RequestBody, Shape
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.nbhd_city import bodies
from lambda_src.services.nbhd_city.bodies import Timestamp
from lambda_src.services.nbhd_city.errors import InvalidText
from lambda_src.services.nbhd_city.models import LiveProfile, Profile, is_did
from lambda_src.services.nbhd_city.principals import SignedIn
from lambda_src.services.nbhd_city.profiles.service import LiveProfiles, ProfileService

_MAX_USERS: Final = 100  # the keys of one BatchGetItem


def _checked_did(text: str) -> str:
    if not is_did(text):
        raise InvalidText("This is not a DID")
    return text


class NewProfile(RequestBody):
    """An empty text is as good as none."""

    display_name: Annotated[str, AfterValidator(bodies.display_name)] = ""
    avatar: Annotated[str, AfterValidator(bodies.avatar), Field(description="https:// address of a picture")] = ""
    bio: Annotated[str, AfterValidator(bodies.bio)] = ""
    location: Annotated[str, AfterValidator(bodies.location)] = ""
    email: Annotated[str, AfterValidator(bodies.email), Field(description="Shown to nobody but you")] = ""


class ProfileChange(ChangeBody, NewProfile):
    """An empty text clears its field."""


class UserIds(RequestBody):
    user_ids: Annotated[list[Annotated[str, AfterValidator(_checked_did)]], Field(min_length=1, max_length=_MAX_USERS)]


class PublicUserBody(BaseModel):
    id: str
    handle: str
    display_name: str
    avatar: str | None
    bio: str
    location: str
    created_at: Timestamp
    updated_at: Timestamp


class UserBody(PublicUserBody):
    email: str


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


_NAMES: Final = {"id": "user_id", "display_name": "shown_name"}
PUBLIC_USER_SHAPE: Final = Shape[Profile](PublicUserBody, dict(_NAMES))
USER_SHAPE: Final = Shape[Profile](UserBody, dict(_NAMES))
LIVE_SHAPE: Final = Shape[LiveProfile](UserProfile)

router: Final = Router(tags=["users"])


@router.get("/api/users/profile", response_model=UserProfile)
def read_live_profile(live: Given[LiveProfiles], caller: SignedIn) -> Response:
    """The caller's profile as BlueSky shows it; up to a day old, and marked so, while BlueSky cannot be reached."""
    seen = live.read(caller.did)
    return JsonAnswer(LIVE_SHAPE(seen.profile), headers={"X-Profile-Stale": "true"} if seen.is_stale else {})


@router.get("/api/users/me", response_model=UserBody)
def read_me(profiles: Given[ProfileService], caller: SignedIn) -> dict[str, Any]:
    """Your profile; 404 asks you to make one."""
    return USER_SHAPE(profiles.own(caller.did))


@router.post("/api/users/me/profile", status_code=201, response_model=UserBody)
def create_profile(profiles: Given[ProfileService], caller: SignedIn, body: NewProfile) -> dict[str, Any]:
    """Make your profile."""
    return USER_SHAPE(profiles.create(caller, body.model_dump()))


@router.put("/api/users/me", response_model=UserBody)
def change_me(profiles: Given[ProfileService], caller: SignedIn, body: ProfileChange) -> dict[str, Any]:
    """Change your profile."""
    return USER_SHAPE(profiles.update(caller.did, body.model_dump(exclude_unset=True)))


@router.post("/api/users/batch", response_model=dict[str, PublicUserBody])
def read_users(profiles: Given[ProfileService], body: UserIds) -> dict[str, Any]:
    """Up to 100 profiles by DID; unknown ones are left out."""
    return {user_id: PUBLIC_USER_SHAPE(profile) for user_id, profile in profiles.of_users(body.user_ids).items()}


@router.get("/api/users/{user_id}", response_model=PublicUserBody)
def read_user(profiles: Given[ProfileService], user_id: str) -> dict[str, Any]:
    """Anybody's profile."""
    return PUBLIC_USER_SHAPE(profiles.of_user(user_id))
