"""Bodies of neighborhoods and their members."""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field

from lambda_src.runtime.bodies import ChangeBody, RequestBody, Shape
from lambda_src.services.nbhd_city import bodies
from lambda_src.services.nbhd_city.bodies import MessageBody, Timestamp
from lambda_src.services.nbhd_city.models import Membership, Neighborhood
from lambda_src.services.nbhd_city.neighborhoods.rules import display_name, fold_name


class MembershipBody(BaseModel):
    id: str
    user_id: str
    joined_at: Timestamp


class MembersBody(BaseModel):
    members: list[MembershipBody]
    next_cursor: str | None


class JoinedBody(MessageBody):
    nbhd_id: str


MEMBERSHIP_SHAPE: Final = Shape[Membership](MembershipBody, {"id": "user_id"})


def _checked_name(text: str) -> str:
    shown = display_name(text)
    fold_name(shown)
    return shown


type NbhdName = Annotated[str, AfterValidator(_checked_name), Field(description="1-100 characters, unique when folded")]
type Description = Annotated[str | None, AfterValidator(bodies.description), Field(description="0-1000 characters")]


class NewNeighborhood(RequestBody):
    """What a creator may say of a neighborhood; each is an attribute of `Neighborhood`."""

    name: NbhdName
    description: Description = ""


class NeighborhoodChange(ChangeBody, NewNeighborhood):
    """`description` null or empty clears it; `name` cannot be null."""

    name: NbhdName = ""  # not validated, since it stands for "absent"


class NbhdBody(BaseModel):
    id: str
    name: str
    description: str
    created_by: str
    created_at: Timestamp
    updated_at: Timestamp
    member_count: int


class NbhdDetailBody(NbhdBody):
    members: list[MembershipBody]
    members_next_cursor: str | None
    is_member: bool | None


class MyNbhdsBody(BaseModel):
    neighborhoods: list[NbhdBody]
    next_cursor: str | None


NBHD_SHAPE: Final = Shape[Neighborhood](NbhdBody)
