"""HTTP bodies of the API: pydantic models for the OpenAPI document, and the plain values that are answered."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lambda_src.services.nbhd_city.errors import InvalidText
from lambda_src.services.nbhd_city.models import Membership, Neighborhood, Page, Profile
from lambda_src.services.nbhd_city.rules import texts
from lambda_src.services.nbhd_city.rules.dids import is_did
from lambda_src.services.nbhd_city.rules.names import display_name, fold_name
from lambda_src.services.nbhd_city.service.neighborhoods import Detail

type Json = dict[str, Any]

_MAX_USERS = 100  # the keys of one BatchGetItem


def _checked_name(text: str) -> str:
    shown = display_name(text)
    fold_name(shown)
    return shown


def _checked_did(text: str) -> str:
    if not is_did(text):
        raise InvalidText("This is not a DID")
    return text


type NbhdName = Annotated[str, AfterValidator(_checked_name), Field(description="1-100 characters, unique when folded")]
type Description = Annotated[str | None, AfterValidator(texts.description), Field(description="0-1000 characters")]
type DidText = Annotated[str, AfterValidator(_checked_did)]
type Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]


# ---- requests ------------------------------------------------------------------------------------------------------


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Change(_Request):
    """Fields that are absent stay as they are; there has to be one."""

    @model_validator(mode="after")
    def _check_that_something_changes(self) -> Self:
        if not self.model_fields_set:
            raise InvalidText("Name at least one field")
        return self


class NewNeighborhood(_Request):
    name: NbhdName
    description: Description = ""


class NeighborhoodChange(_Change):
    """`description` null or empty clears it; `name` cannot be null."""

    name: NbhdName = ""  # not validated, since it stands for "absent"
    description: Description = ""


class NewProfile(_Request):
    """An empty text is as good as none."""

    display_name: Annotated[str, AfterValidator(texts.display_name)] = ""
    avatar: Annotated[str, AfterValidator(texts.avatar), Field(description="https:// address of a picture")] = ""
    bio: Annotated[str, AfterValidator(texts.bio)] = ""
    location: Annotated[str, AfterValidator(texts.location)] = ""
    email: Annotated[str, AfterValidator(texts.email), Field(description="Shown to nobody but you")] = ""


class ProfileChange(_Change, NewProfile):
    """An empty text clears its field."""


class UserIds(_Request):
    user_ids: Annotated[list[DidText], Field(min_length=1, max_length=_MAX_USERS)]


# ---- answers, as documented ----------------------------------------------------------------------------------------


class MessageBody(BaseModel):
    message: str


class NbhdBody(BaseModel):
    id: str
    name: str
    description: str
    created_by: str
    created_at: Timestamp
    updated_at: Timestamp
    member_count: int


class MembershipBody(BaseModel):
    id: str
    user_id: str
    joined_at: Timestamp


class NbhdDetailBody(NbhdBody):
    members: list[MembershipBody]
    members_next_cursor: str | None
    is_member: bool | None


class MembersBody(BaseModel):
    members: list[MembershipBody]
    next_cursor: str | None


class JoinedBody(MessageBody):
    nbhd_id: str


class MyNbhdsBody(BaseModel):
    neighborhoods: list[NbhdBody]
    next_cursor: str | None


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


# ---- answers, as they are sent -------------------------------------------------------------------------------------


def nbhd_json(neighborhood: Neighborhood) -> Json:
    return {
        "id": neighborhood.id,
        "name": neighborhood.name,
        "description": neighborhood.description,
        "created_by": neighborhood.created_by,
        "created_at": neighborhood.created_at,
        "updated_at": neighborhood.updated_at,
        "member_count": neighborhood.member_count,
    }


def detail_json(detail: Detail) -> Json:
    return {
        **nbhd_json(detail.neighborhood),
        "members": [_membership_json(member) for member in detail.members.items],
        "members_next_cursor": detail.members.next_cursor,
        "is_member": detail.is_member,
    }


def members_json(page: Page[Membership]) -> Json:
    return {"members": [_membership_json(member) for member in page.items], "next_cursor": page.next_cursor}


def my_nbhds_json(page: Page[Neighborhood]) -> Json:
    return {"neighborhoods": [nbhd_json(each) for each in page.items], "next_cursor": page.next_cursor}


def public_user_json(profile: Profile) -> Json:
    return {
        "id": profile.user_id,
        "handle": profile.handle,
        "display_name": profile.shown_name,
        "avatar": profile.avatar,
        "bio": profile.bio,
        "location": profile.location,
        "created_at": profile.created_at,
        "updated_at": profile.updated_at,
    }


def user_json(profile: Profile) -> Json:
    return {**public_user_json(profile), "email": profile.email}


def _membership_json(membership: Membership) -> Json:
    return {"id": membership.user_id, "user_id": membership.user_id, "joined_at": membership.joined_at}
