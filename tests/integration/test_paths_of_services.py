"""No route of a service is reached under another path than its own: Starlette's pattern lets a line feed follow it."""

import re
from typing import Any

import pytest
from starlette.routing import Route

from lambda_src.dynamo.schema import Table
from lambda_src.services.algoitny import tables as algoitny
from lambda_src.services.nbhd_city import tables as nbhd_city
from lambda_src.services.stock_track_record import tables as stock_track_record
from lambda_src.services.yoto_smart_stream import tables as yoto_smart_stream
from tests.support.algoitny import PlayedJudge
from tests.support.nbhd_city import PlayedCity
from tests.support.played import played
from tests.support.services import service_names
from tests.support.stock_track_record import Applications
from tests.support.yoto_smart_stream import PlayedHouse

SERVICES: dict[str, tuple[Any, tuple[Table, ...]]] = {
    "algoitny": (PlayedJudge, algoitny.TABLES),
    "stock_track_record": (Applications, stock_track_record.TABLES),
    "yoto_smart_stream": (PlayedHouse, yoto_smart_stream.TABLES),
    "nbhd_city": (PlayedCity, nbhd_city.TABLES),
}
PARAMETER = re.compile(r"\{\w+(:\w+)?\}")


@pytest.fixture
def service(request, dynamodb_client, make_tables):
    cls, declared = SERVICES[request.param]
    with played(cls, dynamodb_client, lambda: make_tables(declared)) as make:
        yield make()


@pytest.mark.parametrize("service", SERVICES, indirect=True)
@pytest.mark.parametrize("more", ["%0A", "%00", "%C2%85"], ids=["line feed", "null", "next line"])
def test_a_control_character_behind_the_path_of_a_route_leads_nowhere(service, more):
    routes = [route for route in service.app.routes if isinstance(route, Route)]
    assert len(routes) > 10
    before = service.usage.snapshot()
    for route in routes:
        path = PARAMETER.sub("1", route.path) + more
        for method in sorted(route.methods or ()):
            answer = service.api.request(method, path, headers={"content-type": "application/json"})
            assert answer.status_code == 404, f"{method} {path}"
            assert method == "HEAD" or answer.json()["code"] == "not_found", f"{method} {path}"
    assert service.usage.since(before).requests == 0


def test_every_service_is_tried_here():
    assert SERVICES.keys() == set(service_names())
