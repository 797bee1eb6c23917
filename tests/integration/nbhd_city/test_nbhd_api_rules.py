"""What every route of nbhd.city has in common: refusals, known origins, maintenance."""

import uuid

import httpx

from tests.support.nbhd_city import API_URL, ORIGIN

JSON_CONTENT = {"content-type": "application/json"}


def test_without_a_token_nothing_is_written(nbhd_house):
    house = nbhd_house()

    answer = house.ask("POST", "/api/nbhds", json={"name": "Home"})

    assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    for header in ("Basic YWxpY2U6cHc=", "Bearer", "bearer"):
        refused = house.ask("POST", "/api/nbhds", json={"name": "Home"}, headers={"Authorization": header})
        assert refused.json()["code"] == "missing_token"
    assert house.items() == []


def test_an_expired_and_an_endless_token_are_refused(nbhd_house):
    house = nbhd_house(access_token_expire_minutes=1)
    token = house.token("alice")
    path, body = "/api/nbhds", {"name": "Home"}

    house.clock.forward(seconds=71)
    expired = house.ask("POST", path, json=body, headers={"Authorization": f"Bearer {token}"})
    endless = house.ask("POST", path, json=body, headers={"Authorization": f"Bearer {'a' * 5_000}"})

    assert (expired.status_code, expired.json()["code"]) == (401, "expired_token")
    assert (endless.status_code, endless.json()["code"]) == (401, "invalid_token")
    assert expired.headers["WWW-Authenticate"] == endless.headers["WWW-Authenticate"] == "Bearer"


def test_unknown_routes_and_methods_are_problems_as_well(nbhd_house):
    house = nbhd_house()

    assert house.ask("GET", "/nothing").json()["code"] == "not_found"
    assert house.ask("POST", "/health").json()["code"] == "method_not_allowed"


def test_pages_of_known_origins_may_call_and_read_errors(nbhd_house):
    house = nbhd_house()
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}

    known = house.ask("OPTIONS", "/api/nbhds", headers={"Origin": ORIGIN, **ask})
    foreign = house.ask("OPTIONS", "/api/nbhds", headers={"Origin": "https://evil.example", **ask})
    error = house.ask("GET", f"/api/nbhds/{uuid.uuid4()}", headers={"Origin": ORIGIN})

    assert known.is_success
    assert known.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert _listed(known, "Access-Control-Allow-Methods") >= {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert _listed(known, "Access-Control-Allow-Headers") >= {"authorization", "content-type"}
    assert known.headers["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in known.headers
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert (error.status_code, error.headers["Access-Control-Allow-Origin"]) == (404, ORIGIN)
    exposed = {"x-next-cursor", "link", "x-request-id", "retry-after"}
    assert _listed(error, "Access-Control-Expose-Headers") == exposed


def _listed(answer: httpx.Response, header: str) -> set[str]:
    names = {name.strip() for name in answer.headers[header].split(",")}
    return names if header.endswith("Methods") else {name.lower() for name in names}


# ---- maintenance ---------------------------------------------------------------------------------------------------


def test_read_only_refuses_writes_and_answers_reads(nbhd_house):
    house = nbhd_house(maintenance_mode="read_only")

    answer = house.ask("POST", "/api/nbhds", by="alice", json={"name": "Home"}, headers={"Origin": ORIGIN})

    assert (answer.status_code, answer.json()["code"]) == (503, "maintenance")
    assert (answer.headers["Retry-After"], answer.headers["Access-Control-Allow-Origin"]) == ("120", ORIGIN)
    for method, path in (("PUT", "/api/users/me"), ("DELETE", f"/api/nbhds/{uuid.uuid4()}")):
        assert house.ask(method, path, by="alice", json={}).json()["code"] == "maintenance"
    assert house.ask("GET", "/api/nbhds").status_code == 200
    assert house.ask("POST", "/api/users/batch", json={"user_ids": ["did:plc:alice"]}).status_code == 200
    assert house.ask("POST", "/auth/token", json={"code": "unknown"}).json()["code"] == "invalid_grant"


def test_full_maintenance_leaves_the_health_checks(nbhd_house):
    house = nbhd_house(maintenance_mode="full")

    assert house.ask("GET", "/health/ready").json() == {"status": "ready", "maintenance": "full"}
    assert [house.ask("GET", path).status_code for path in ("/", "/health")] == [200, 200]
    for path in ("/api/nbhds", "/auth/login", "/nothing"):
        assert house.ask("GET", path).json()["code"] == "maintenance"


def test_the_name_of_the_api_is_where_links_lead(nbhd_house):
    house = nbhd_house()
    for number in range(2):
        house.create("alice", f"Number {number}")

    answer = house.ask("GET", "/api/nbhds", params={"limit": 1})

    cursor = answer.headers["X-Next-Cursor"]
    assert answer.headers["Link"] == f'<{API_URL}/api/nbhds?limit=1&cursor={cursor}>; rel="next"'
