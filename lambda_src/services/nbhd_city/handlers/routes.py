"""The routes of the API: each calls one use case and shapes its answer."""

from typing import Annotated, Final

from fastapi import FastAPI, Query, Request
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from lambda_src.runtime.http import create_app
from lambda_src.runtime.problems import ErrorAnswers, named
from lambda_src.services.nbhd_city.bootstrap.api import Api
from lambda_src.services.nbhd_city.errors import InvalidField
from lambda_src.services.nbhd_city.handlers import schemas
from lambda_src.services.nbhd_city.handlers.callers import SIGNED_IN, optional, required
from lambda_src.services.nbhd_city.handlers.maintenance import MaintenanceGate
from lambda_src.services.nbhd_city.handlers.sign_in_routes import add_sign_in_routes

TITLE: Final = "nbhd.city"
VERSION: Final = "1.0.0"

type Limit = Annotated[int, Query(ge=1, le=100)]
type MembersLimit = Annotated[int, Query(ge=0, le=100, description="Members on the page; 0 for none")]
type Cursor = Annotated[str | None, Query(description="Of the page before")]
type OldCursor = Annotated[str | None, Query(deprecated=True, description="Another name of `cursor`")]
type OldSkip = Annotated[int, Query(ge=0, le=0, deprecated=True, description="Only 0; pages go by `cursor`")]
type Name = Annotated[schemas.NbhdName | None, Query(description="Only the neighborhood of this name; no `cursor`")]


def create(api: Api, *, inline_endpoints: bool = True) -> FastAPI:
    """The application. inline_endpoints: False for a server of several requests at once."""
    settings = api.settings
    app = create_app(
        title=TITLE,
        version=VERSION,
        cors=settings.cors,
        errors=ErrorAnswers(internal_code="internal", field_error=named),
        is_production=settings.is_production,
        inline_endpoints=inline_endpoints,
        usage=api.usage,
    )
    app.state.tokens = api.tokens
    if settings.maintenance_mode != "off":
        # The innermost one: its refusals are answered like all errors, for browsers of other origins as well.
        app.user_middleware.append(Middleware(MaintenanceGate, mode=settings.maintenance_mode))
    _add_service_routes(app, api)
    _add_list_routes(app, api)
    _add_nbhd_routes(app, api)
    _add_membership_routes(app, api)
    add_sign_in_routes(app, api)  # among them /api/users/profile, before /api/users/{user_id}
    _add_user_routes(app, api)
    return app


def _add_service_routes(app: FastAPI, api: Api) -> None:
    @app.get("/", response_model=schemas.MessageBody, tags=["service"])
    def about() -> Response:
        """What this is."""
        return JSONResponse({"message": "Welcome to nbhd.city API"})

    @app.get("/health", tags=["service"])
    def health() -> dict[str, str]:
        """The function runs; nothing else is touched."""
        return {"status": "healthy"}

    @app.get("/health/ready", tags=["service"])
    def ready() -> dict[str, str]:
        """The table answers and the keys of tokens are there."""
        api.readiness.check()
        return {"status": "ready", "maintenance": api.settings.maintenance_mode}


def _add_list_routes(app: FastAPI, api: Api) -> None:
    neighborhoods, base_url = api.neighborhoods, api.settings.api_base_url

    @app.get("/api/nbhds", response_model=list[schemas.NbhdBody], tags=["neighborhoods"])
    def list_nbhds(
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
            return JSONResponse([] if found is None else [schemas.nbhd_json(found)])
        page = neighborhoods.page(limit=limit, cursor=start)
        headers = {}
        if page.next_cursor is not None:
            following = f"{base_url}/api/nbhds?limit={limit}&cursor={page.next_cursor}"
            headers = {"X-Next-Cursor": page.next_cursor, "Link": f'<{following}>; rel="next"'}
        return JSONResponse([schemas.nbhd_json(each) for each in page.items], headers=headers)


def _add_nbhd_routes(app: FastAPI, api: Api) -> None:
    neighborhoods = api.neighborhoods

    @app.post(
        "/api/nbhds",
        status_code=201,
        response_model=schemas.NbhdBody,
        dependencies=[SIGNED_IN],
        tags=["neighborhoods"],
    )
    def create_nbhd(request: Request, body: schemas.NewNeighborhood) -> Response:
        """Create a neighborhood; its creator is its first member."""
        caller = required(request)
        created = neighborhoods.create(caller.did, name=body.name, description=body.description)
        headers = {"Location": f"/api/nbhds/{created.id}"}
        return JSONResponse(schemas.nbhd_json(created), status_code=201, headers=headers)

    @app.get(
        "/api/nbhds/{nbhd_id}",
        response_model=schemas.NbhdDetailBody,
        dependencies=[SIGNED_IN],
        tags=["neighborhoods"],
    )
    def read_nbhd(
        request: Request, nbhd_id: str, members_limit: MembersLimit = 100, members_cursor: Cursor = None
    ) -> Response:
        """One neighborhood with a page of its members, and for callers who are signed in whether they are one."""
        caller = optional(request)
        detail = neighborhoods.detail(
            nbhd_id,
            caller=caller.did if caller else None,
            members_limit=members_limit,
            members_cursor=members_cursor,
        )
        return JSONResponse(schemas.detail_json(detail))

    @app.patch(
        "/api/nbhds/{nbhd_id}", response_model=schemas.NbhdBody, dependencies=[SIGNED_IN], tags=["neighborhoods"]
    )
    def change_nbhd(request: Request, nbhd_id: str, body: schemas.NeighborhoodChange) -> Response:
        """Rename or describe a neighborhood you created."""
        changed = neighborhoods.update(
            nbhd_id,
            required(request).did,
            name=body.name if "name" in body.model_fields_set else None,
            description=body.description if "description" in body.model_fields_set else None,
        )
        return JSONResponse(schemas.nbhd_json(changed))

    @app.delete("/api/nbhds/{nbhd_id}", status_code=204, dependencies=[SIGNED_IN], tags=["neighborhoods"])
    def delete_nbhd(request: Request, nbhd_id: str) -> Response:
        """Delete a neighborhood you created; its name is free at once."""
        neighborhoods.delete(nbhd_id, required(request).did)
        return Response(status_code=204)


def _add_membership_routes(app: FastAPI, api: Api) -> None:
    memberships = api.memberships

    @app.get("/api/nbhds/{nbhd_id}/members", response_model=schemas.MembersBody, tags=["memberships"])
    def read_members(nbhd_id: str, limit: Limit = 100, cursor: Cursor = None) -> Response:
        """Members by their DID."""
        return JSONResponse(schemas.members_json(memberships.members(nbhd_id, limit=limit, cursor=cursor)))

    @app.post(
        "/api/nbhds/{nbhd_id}/join",
        status_code=201,
        response_model=schemas.JoinedBody,
        dependencies=[SIGNED_IN],
        tags=["memberships"],
    )
    def join_nbhd(request: Request, nbhd_id: str) -> Response:
        """Become a member."""
        joined = memberships.join(nbhd_id, required(request).did)
        return JSONResponse({"message": "Successfully joined nbhd", "nbhd_id": joined}, status_code=201)

    @app.delete("/api/nbhds/{nbhd_id}/leave", status_code=204, dependencies=[SIGNED_IN], tags=["memberships"])
    def leave_nbhd(request: Request, nbhd_id: str) -> Response:
        """Be a member no more."""
        memberships.leave(nbhd_id, required(request).did)
        return Response(status_code=204)

    @app.get("/api/users/me/nbhds", response_model=schemas.MyNbhdsBody, dependencies=[SIGNED_IN], tags=["memberships"])
    def read_my_nbhds(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
        """Your neighborhoods, newest join first."""
        page = memberships.neighborhoods_of(required(request).did, limit=limit, cursor=cursor)
        return JSONResponse(schemas.my_nbhds_json(page))


def _add_user_routes(app: FastAPI, api: Api) -> None:
    profiles = api.profiles

    @app.get("/api/users/me", response_model=schemas.UserBody, dependencies=[SIGNED_IN], tags=["users"])
    def read_me(request: Request) -> Response:
        """Your profile; 404 asks you to make one."""
        return JSONResponse(schemas.user_json(profiles.own(required(request).did)))

    @app.post(
        "/api/users/me/profile",
        status_code=201,
        response_model=schemas.UserBody,
        dependencies=[SIGNED_IN],
        tags=["users"],
    )
    def create_profile(request: Request, body: schemas.NewProfile) -> Response:
        """Make your profile."""
        created = profiles.create(required(request), body.model_dump())
        return JSONResponse(schemas.user_json(created), status_code=201)

    @app.put("/api/users/me", response_model=schemas.UserBody, dependencies=[SIGNED_IN], tags=["users"])
    def change_me(request: Request, body: schemas.ProfileChange) -> Response:
        """Change your profile."""
        changed = profiles.update(required(request).did, body.model_dump(exclude_unset=True))
        return JSONResponse(schemas.user_json(changed))

    @app.post("/api/users/batch", response_model=dict[str, schemas.PublicUserBody], tags=["users"])
    def read_users(body: schemas.UserIds) -> Response:
        """Up to 100 profiles by DID; unknown ones are left out."""
        found = profiles.of_users(body.user_ids)
        return JSONResponse({user_id: schemas.public_user_json(profile) for user_id, profile in found.items()})

    @app.get("/api/users/{user_id}", response_model=schemas.PublicUserBody, tags=["users"])
    def read_user(user_id: str) -> Response:
        """Anybody's profile."""
        return JSONResponse(schemas.public_user_json(profiles.of_user(user_id)))
