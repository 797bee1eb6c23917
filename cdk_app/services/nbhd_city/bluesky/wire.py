"""From an HTTP request to an answer: what every endpoint for machines does before and after its own rules."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cdk_app.services.nbhd_city.bluesky.proofs import Refused
from cdk_app.services.nbhd_city.bluesky.world import Call, Endpoint, World
from cdk_app.services.stand_ins.answers import Answer, json_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A request, read completely. url: without its query. headers: names in lower case. fields: form, or query."""

    url: str
    origin: str
    headers: Mapping[str, str]
    fields: Mapping[str, str]
    path: Mapping[str, str]


type Rules = Callable[[World, Form], Answer]


def origin_of(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def form_route(world: World, name: Endpoint, path: str, rules: Rules, *, method: str = "POST") -> Route:
    """A route that lets an ordered fault go first, asks `rules`, and notes what came of it."""

    async def endpoint(request: Request) -> Response:
        form = await _read(request)
        fault = world.take_fault(name)
        # In a thread: the rules may read the client's documents, from a server that waits for this very answer.
        answer, error = (fault, "ordered") if fault else await asyncio.to_thread(_ask, world, rules, form)
        world.note(Call(name, answer.status, error))
        if answer.delay_seconds:
            await asyncio.sleep(answer.delay_seconds)
        headers = dict(answer.headers)
        return Response(answer.body, status_code=answer.status, headers=headers, media_type=answer.content_type)

    return Route(path, endpoint, methods=[method])


def _ask(world: World, rules: Rules, form: Form) -> tuple[Answer, str]:
    try:
        return rules(world, form), ""
    except Refused as refused:
        body = {"error": refused.error, "error_description": refused.description}
        status = 401 if refused.error == "invalid_client" else 400
        return json_answer(body, status=status, headers={"DPoP-Nonce": world.nonce}), refused.error


async def _read(request: Request) -> Form:
    body = (await request.body()).decode()
    return Form(
        url=str(request.url.replace(query="")),
        origin=origin_of(request),
        headers=dict(request.headers),
        fields=dict(parse_qsl(body)) if request.method == "POST" else dict(request.query_params),
        path=dict(request.path_params),
    )
