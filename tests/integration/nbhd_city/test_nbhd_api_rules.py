"""What every route of nbhd.city has in common: refusals, known origins, maintenance."""

import uuid

import httpx

from tests.support.nbhd_city import API_URL, ORIGIN

JSON_CONTENT = {"content-type": "application/json"}


def test_without_a_token_nothing_is_written(new_city):
    city = new_city()

    answer = city.ask("POST", "/api/nbhds", json={"name": "Home"})

    assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    for header in ("Basic YWxpY2U6cHc=", "Bearer", "bearer"):
        refused = city.ask("POST", "/api/nbhds", json={"name": "Home"}, headers={"Authorization": header})
        assert refused.json()["code"] == "missing_token"
    assert city.items() == []


def test_an_expired_and_an_endless_token_are_refused(new_city):
    city = new_city(access_token_expire_minutes=1)
    token = city.token("alice")
    path, body = "/api/nbhds", {"name": "Home"}

    city.clock.forward(seconds=71)
    expired = city.ask("POST", path, json=body, headers={"Authorization": f"Bearer {token}"})
    endless = city.ask("POST", path, json=body, headers={"Authorization": f"Bearer {'a' * 5_000}"})

    assert (expired.status_code, expired.json()["code"]) == (401, "expired_token")
    assert (endless.status_code, endless.json()["code"]) == (401, "invalid_token")
    assert expired.headers["WWW-Authenticate"] == endless.headers["WWW-Authenticate"] == "Bearer"


def test_unknown_routes_and_methods_are_problems_as_well(new_city):
    city = new_city()

    assert city.ask("GET", "/nothing").json()["code"] == "not_found"
    assert city.ask("POST", "/health").json()["code"] == "method_not_allowed"


def test_pages_of_known_origins_may_call_and_read_errors(new_city):
    city = new_city()
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}

    known = city.ask("OPTIONS", "/api/nbhds", headers={"Origin": ORIGIN, **ask})
    foreign = city.ask("OPTIONS", "/api/nbhds", headers={"Origin": "https://evil.example", **ask})
    error = city.ask("GET", f"/api/nbhds/{uuid.uuid4()}", headers={"Origin": ORIGIN})

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


def test_pages_of_other_origins_write_nothing(new_city):
    city = new_city()

    refused = [
        city.ask("POST", "/api/nbhds", by="alice", json={"name": "Home"}, headers={"Origin": "https://evil.example"}),
        city.ask("PUT", "/api/users/me", by="alice", json={}, headers={"Origin": "null"}),
        city.ask("POST", "/auth/token", json={"code": "x"}, headers={"Sec-Fetch-Site": "cross-site"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "foreign_origin")] * 3
    assert city.items() == []
    own = {"Origin": API_URL, "Host": API_URL.removeprefix("https://")}
    assert city.ask("POST", "/api/nbhds", by="alice", json={"name": "Home"}, headers=own).is_success


def test_half_a_surrogate_pair_is_refused_wherever_a_text_goes(new_city):
    city = new_city(test_login_enabled=True)
    half = r'"\ud83e"'  # as JSON can carry it

    for method, path, body in (
        ("POST", "/api/nbhds", f'{{"name":{half}}}'),
        ("POST", "/api/nbhds", f'{{"name":"x","description":{half}}}'),
        ("POST", "/api/nbhds", f'{{{half}:"x"}}'),
        ("PUT", "/api/users/me", f'{{"bio":{half}}}'),
        ("POST", "/api/users/me/profile", f'{{"email":{half}}}'),
        ("POST", "/api/users/batch", f'{{"user_ids":[{half}]}}'),
        ("POST", "/auth/token", f'{{"code":{half}}}'),
        ("POST", "/auth/test-login", f'{{"username":{half},"password":"x"}}'),
        ("POST", "/auth/test-login", f'{{"username":"x","password":{half}}}'),
    ):
        answer = city.ask(method, path, by="alice", content=body, headers=JSON_CONTENT)
        assert answer.status_code == 422, (path, body, answer.text)
    assert city.items() == []


def _listed(answer: httpx.Response, header: str) -> set[str]:
    names = {name.strip() for name in answer.headers[header].split(",")}
    return names if header.endswith("Methods") else {name.lower() for name in names}


# ---- maintenance ---------------------------------------------------------------------------------------------------


def test_read_only_refuses_writes_and_answers_reads(new_city):
    city = new_city(maintenance_mode="read_only")

    answer = city.ask("POST", "/api/nbhds", by="alice", json={"name": "Home"}, headers={"Origin": ORIGIN})

    assert (answer.status_code, answer.json()["code"]) == (503, "maintenance")
    assert (answer.headers["Retry-After"], answer.headers["Access-Control-Allow-Origin"]) == ("120", ORIGIN)
    for method, path in (("PUT", "/api/users/me"), ("DELETE", f"/api/nbhds/{uuid.uuid4()}")):
        assert city.ask(method, path, by="alice", json={}).json()["code"] == "maintenance"
    assert city.ask("GET", "/api/nbhds").status_code == 200
    assert city.ask("POST", "/api/users/batch", json={"user_ids": ["did:plc:alice"]}).status_code == 200
    assert city.ask("POST", "/auth/token", json={"code": "unknown"}).json()["code"] == "invalid_grant"


def test_full_maintenance_leaves_the_health_checks(new_city):
    city = new_city(maintenance_mode="full")

    assert city.ask("GET", "/health/ready").json() == {"status": "ready", "maintenance": "full"}
    assert [city.ask("GET", path).status_code for path in ("/", "/health")] == [200, 200]
    for path in ("/api/nbhds", "/auth/login", "/nothing"):
        assert city.ask("GET", path).json()["code"] == "maintenance"


def test_the_name_of_the_api_is_where_links_lead(new_city):
    city = new_city()
    for number in range(2):
        city.create("alice", f"Number {number}")

    answer = city.ask("GET", "/api/nbhds", params={"limit": 1})

    cursor = answer.headers["X-Next-Cursor"]
    assert answer.headers["Link"] == f'<{API_URL}/api/nbhds?limit=1&cursor={cursor}>; rel="next"'
