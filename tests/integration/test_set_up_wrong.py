"""A deployment that is set up wrong says so: in the answer of every service, in the log, and without a message lost."""

from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.schema import Table
from lambda_src.services.algoitny import tables as algoitny
from lambda_src.services.nbhd_city import tables as nbhd_city
from lambda_src.services.stock_track_record import tables as stock_track_record
from lambda_src.services.yoto_smart_stream import tables as yoto_smart_stream
from tests.support.algoitny import PlayedJudge
from tests.support.api_calls import refused_with
from tests.support.dynamodb_faults import Faults
from tests.support.nbhd_city import PlayedCity
from tests.support.played import PlayedService, played
from tests.support.services import service_names
from tests.support.stock_track_record import Applications
from tests.support.yoto_smart_stream import PlayedHouse

SERVICES: dict[str, tuple[type[PlayedService[Any]], tuple[Table, ...], str, str]] = {
    "algoitny": (PlayedJudge, algoitny.TABLES, "/api/auth/plans", "not_ready"),
    "stock_track_record": (Applications, stock_track_record.TABLES, "/api/channels", "not_ready"),
    "yoto_smart_stream": (PlayedHouse, yoto_smart_stream.TABLES, f"/play/{'a' * 32}", "configuration_error"),
    "nbhd_city": (PlayedCity, nbhd_city.TABLES, "/api/nbhds", "not_ready"),
}
SENTENCES = {
    "ResourceNotFoundException": "The data store is not available: table '{}' was not found in us-east-1.",
    "AccessDeniedException": "The server is not allowed to use the data store.",
    "UnrecognizedClientException": "The server has no AWS credentials.",
}


@pytest.fixture
def ailing(request, dynamodb_client, make_tables):
    """A service, and the faults of its engine."""
    cls, declared, _, _ = SERVICES[request.param]
    faults = Faults(Boto3Client(dynamodb_client))
    with played(cls, dynamodb_client, lambda: make_tables(declared)) as make:
        yield make(engine=faults), faults, request.param


@pytest.mark.parametrize("code", SENTENCES)
@pytest.mark.parametrize("ailing", SERVICES, indirect=True)
def test_every_service_answers_503_at_once_and_logs_what_dynamodb_said(ailing, code, caplog):
    service, faults, name = ailing
    _, _, path, shown = SERVICES[name]
    faults.error(code, message="arn:aws:iam::123456789012:role/Api may not")
    answer = service.api.get(path, follow_redirects=False)
    assert refused_with(answer, 503, shown), answer.text
    assert len(faults.requests) == 1
    assert "arn:" not in answer.text
    assert any("arn:aws:iam::123456789012:role/Api may not" in record.exc_text for record in caplog.records)
    assert service.api.get(path, follow_redirects=False).status_code in {200, 404}, "it is mended"


@pytest.mark.parametrize(("code", "sentence"), SENTENCES.items())
@pytest.mark.parametrize("ailing", ["yoto_smart_stream"], indirect=True)
def test_yoto_smart_stream_says_what_is_wrong(ailing, code, sentence):
    house, faults, _ = ailing
    detail = sentence.format(house.names["main"])
    for path in (f"/play/{'a' * 32}", "/api/ready"):
        faults.error(code)
        answer = house.api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "configuration_error")
        assert answer.json()["detail"] == detail
        assert "retry-after" not in answer.headers


@pytest.mark.parametrize("ailing", ["yoto_smart_stream"], indirect=True)
def test_yoto_smart_stream_asks_to_come_back_in_two_seconds_when_the_store_is_busy(ailing):
    house, faults, _ = ailing
    busy = "The data store is busy. Please try again."
    faults.error("ThrottlingException", times=8)
    answer = house.api.get(f"/play/{'a' * 32}")
    assert refused_with(answer, 503, "store_unavailable")
    assert (answer.json()["detail"], answer.headers["retry-after"]) == (busy, "2")
    faults.error("ThrottlingException", times=8)
    answer = house.api.get("/api/ready")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "code": "store_unavailable", "detail": busy})


@pytest.mark.parametrize("ailing", ["stock_track_record"], indirect=True)
def test_a_message_comes_again_when_a_right_is_missing(ailing):
    service, faults, _ = ailing
    answer = service.api.post("/api/channels", json={"url": "https://www.youtube.com/@cafeshop"})
    assert answer.status_code == 201, answer.text
    [message] = service.queue.take()
    faults.error("AccessDeniedException")
    assert service.deliver(message) == [message.message_id]
    assert service.queue.dead() == []


def test_every_service_is_tried_here():
    assert SERVICES.keys() == set(service_names())
