"""Routes of memberships."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.nbhd_city.bodies import Cursor, Limit
from lambda_src.services.nbhd_city.memberships.service import MembershipService
from lambda_src.services.nbhd_city.neighborhoods import schemas
from lambda_src.services.nbhd_city.neighborhoods.schemas import MEMBERSHIP_SHAPE, NBHD_SHAPE
from lambda_src.services.nbhd_city.principals import SignedIn

router: Final = Router(tags=["memberships"])


@router.get("/api/nbhds/{nbhd_id}/members", response_model=schemas.MembersBody)
def read_members(
    memberships: Given[MembershipService], nbhd_id: str, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Members by their DID."""
    page = memberships.members(nbhd_id, limit=limit, cursor=cursor)
    return {"members": [MEMBERSHIP_SHAPE(member) for member in page.items], "next_cursor": page.next_cursor}


@router.post("/api/nbhds/{nbhd_id}/join", status_code=201, response_model=schemas.JoinedBody)
def join_nbhd(memberships: Given[MembershipService], caller: SignedIn, nbhd_id: str) -> dict[str, Any]:
    """Become a member."""
    return {"message": "Successfully joined nbhd", "nbhd_id": memberships.join(nbhd_id, caller.did)}


@router.delete("/api/nbhds/{nbhd_id}/leave", status_code=204)
def leave_nbhd(memberships: Given[MembershipService], caller: SignedIn, nbhd_id: str) -> None:
    """Be a member no more."""
    memberships.leave(nbhd_id, caller.did)


@router.get("/api/users/me/nbhds", response_model=schemas.MyNbhdsBody)
def read_my_nbhds(
    memberships: Given[MembershipService], caller: SignedIn, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Your neighborhoods, newest join first."""
    page = memberships.neighborhoods_of(caller.did, limit=limit, cursor=cursor)
    return {"neighborhoods": [NBHD_SHAPE(each) for each in page.items], "next_cursor": page.next_cursor}
