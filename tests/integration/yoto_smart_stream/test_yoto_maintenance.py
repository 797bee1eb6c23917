"""While data are mended: health can be asked for under every path it has, and nothing else is answered."""

import pytest

from lambda_src.services.yoto_smart_stream.health import PATHS

HEALTH = ("/health", "/api/health", "/api/ready")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_full_maintenance_leaves_the_health_checks(new_house, method):
    house = new_house(maintenance_mode="full")
    assert set(HEALTH) > PATHS
    assert [house.api.request(method, path).status_code for path in HEALTH] == [200, 200, 200]
    refused = [house.api.get(path) for path in ("/api/audio", "/api/healthy", "/play/x", "/docs", "/api/health/")]
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(503, "maintenance")] * 5
    assert house.api.post("/api/user/login", json={}).json()["code"] == "maintenance"


def test_read_only_refuses_writes_and_answers_reads(new_house):
    house = new_house(maintenance_mode="read_only")
    john = house.user("john")
    house.file("a.mp3", john)
    for path in (*HEALTH, "/api/audio", "/api/audio/a.mp3"):
        assert house.ask("GET", path, by=john).status_code == 200, path
    before = house.items()
    for method, path in (("DELETE", "/api/audio/a.mp3"), ("POST", "/api/audio/a.mp3/play-link")):
        answer = house.ask(method, path, by=john)
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "maintenance", "120")
    assert house.items() == before
