"""From an HTTP request to an answer: what every stand-in does before and after its own rules."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cdk_app.services.stand_ins.answers import Answer
from cdk_app.services.stock_track_record.stand_ins.ledger import Call
from cdk_app.services.stock_track_record.stand_ins.models import Service
from cdk_app.services.stock_track_record.stand_ins.world import World

KEY_PARAMETERS = frozenset({"key", "apikey", "token"})  # never kept in the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A request, read completely. headers: names in lower case. path: parameters of the route."""

    path: Mapping[str, str]
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: str


type Rules = Callable[[World, Inbound], Answer]
type SubjectOf = Callable[[Inbound], str]


def is_bad_key(key: str) -> bool:
    """Stand-ins accept every key, except those made to try what a bad one does."""
    return key.lower().startswith("bad")


def service_route(
    world: World, service: Service, path: str, rules: Rules, *, subject_of: SubjectOf, method: str = "GET"
) -> Route:
    """A route that records the call, lets a scripted fault go first, asks `rules`, and waits before it answers.

    A caller that hangs up while the answer waits ends its call in the ledger at once.
    """

    async def endpoint(request: Request) -> Response:
        inbound = await _read(request)
        call = Call(
            service=service,
            path=request.url.path,
            params={name: value for name, value in inbound.params.items() if name not in KEY_PARAMETERS},
            body=inbound.body,
            subject=subject_of(inbound),
            at=world.clock(),
        )
        with world.ledger.under_way(call):
            if world.before_answer is not None:
                await asyncio.to_thread(world.before_answer, call)
            fault = world.take_fault(service)
            answer = world.delayed(service, fault or rules(world, inbound))
            if await _caller_waits(request, answer.delay_seconds):
                call.status = answer.status
        return Response(
            answer.body, status_code=answer.status, headers=dict(answer.headers), media_type=answer.content_type
        )

    return Route(path, endpoint, methods=[method])


async def _read(request: Request) -> Inbound:
    return Inbound(
        path=dict(request.path_params),
        params=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=(await request.body()).decode(errors="replace"),
    )


async def _caller_waits(request: Request, seconds: float) -> bool:
    """Sleeps; False, and at once, when the caller hangs up: after the body, that is the only message to come."""
    if not seconds:
        return True
    try:
        async with asyncio.timeout(seconds):
            await request.receive()
    except TimeoutError:
        return True
    return False
