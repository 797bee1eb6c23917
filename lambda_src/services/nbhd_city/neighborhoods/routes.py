"""Routes of neighborhoods."""

from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.nbhd_city.bodies import Cursor, Limit
from lambda_src.services.nbhd_city.errors import InvalidField
from lambda_src.services.nbhd_city.neighborhoods import schemas
from lambda_src.services.nbhd_city.neighborhoods.schemas import MEMBERSHIP_SHAPE, NBHD_SHAPE
from lambda_src.services.nbhd_city.neighborhoods.service import NeighborhoodService
from lambda_src.services.nbhd_city.principals import MaybeSignedIn, SignedIn
from lambda_src.services.nbhd_city.settings import ApiSettings

type MembersLimit = Annotated[int, Query(ge=0, le=100, description="Members on the page; 0 for none")]
type OldCursor = Annotated[str | None, Query(deprecated=True, description="Another name of `cursor`")]
type OldSkip = Annotated[int, Query(ge=0, le=0, deprecated=True, description="Only 0; pages go by `cursor`")]
type Name = Annotated[schemas.NbhdName | None, Query(description="Only the neighborhood of this name; no `cursor`")]

router: Final = Router(tags=["neighborhoods"])


@router.get("/api/nbhds", response_model=list[schemas.NbhdBody])
def list_nbhds(
    neighborhoods: Given[NeighborhoodService],
    settings: Given[ApiSettings],
    *,
    limit: Limit = 100,
    cursor: Cursor = None,
    last_key: OldCursor = None,
    skip: OldSkip = 0,  # noqa: ARG001 -- old clients send it
    name: Name = None,
) -> Response:
    """Neighborhoods, newest first. `X-Next-Cursor` and `Link` lead to the next page."""
    start = cursor if cursor is not None else last_key
    if name is not None:
        if start is not None:
            raise InvalidField("cursor", "It does not go together with a name")
        found = neighborhoods.by_name(name)
        return JsonAnswer([] if found is None else [NBHD_SHAPE(found)])
    page = neighborhoods.page(limit=limit, cursor=start)
    headers = {}
    if page.next_cursor is not None:
        following = f"{settings.api_base_url}/api/nbhds?limit={limit}&cursor={page.next_cursor}"
        headers = {"X-Next-Cursor": page.next_cursor, "Link": f'<{following}>; rel="next"'}
    return JsonAnswer([NBHD_SHAPE(each) for each in page.items], headers=headers)


@router.post("/api/nbhds", status_code=201, response_model=schemas.NbhdBody)
def create_nbhd(neighborhoods: Given[NeighborhoodService], caller: SignedIn, body: schemas.NewNeighborhood) -> Response:
    """Create a neighborhood; its creator is its first member."""
    created = neighborhoods.create(caller.did, **body.model_dump())
    return JsonAnswer(NBHD_SHAPE(created), status_code=201, headers={"Location": f"/api/nbhds/{created.id}"})


@router.get("/api/nbhds/{nbhd_id}", response_model=schemas.NbhdDetailBody)
def read_nbhd(
    neighborhoods: Given[NeighborhoodService],
    caller: MaybeSignedIn,
    nbhd_id: str,
    members_limit: MembersLimit = 100,
    members_cursor: Cursor = None,
) -> dict[str, Any]:
    """One neighborhood with a page of its members, and for callers who are signed in whether they are one."""
    did = caller.did if caller else None
    detail = neighborhoods.detail(nbhd_id, caller=did, members_limit=members_limit, members_cursor=members_cursor)
    return {
        **NBHD_SHAPE(detail.neighborhood),
        "members": [MEMBERSHIP_SHAPE(member) for member in detail.members.items],
        "members_next_cursor": detail.members.next_cursor,
        "is_member": detail.is_member,
    }


@router.patch("/api/nbhds/{nbhd_id}", response_model=schemas.NbhdBody)
def change_nbhd(
    neighborhoods: Given[NeighborhoodService], caller: SignedIn, nbhd_id: str, body: schemas.NeighborhoodChange
) -> dict[str, Any]:
    """Rename or describe a neighborhood you created."""
    return NBHD_SHAPE(neighborhoods.update(nbhd_id, caller.did, body.model_dump(exclude_unset=True)))


@router.delete("/api/nbhds/{nbhd_id}", status_code=204)
def delete_nbhd(neighborhoods: Given[NeighborhoodService], caller: SignedIn, nbhd_id: str) -> None:
    """Delete a neighborhood you created; its name is free at once."""
    neighborhoods.delete(nbhd_id, caller.did)
