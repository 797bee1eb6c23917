"""Neighborhoods over HTTP: create, look at, rename, describe, delete."""

import json
import re
import uuid

import pytest

JSON_CONTENT = {"content-type": "application/json"}
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_the_root_and_health_touch_nothing(new_city):
    city = new_city()

    with city.counted() as requests:
        answers = [city.ask("GET", path) for path in ("/", "/health")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json() for answer in answers] == [{"message": "Welcome to nbhd.city API"}, {"status": "healthy"}]
    assert all(answer.headers["X-Request-Id"] for answer in answers)
    assert not requests


def test_readiness_needs_the_table_and_the_keys(new_city):
    city = new_city()
    assert city.ask("GET", "/health/ready").json() == {"status": "ready", "maintenance": "off"}

    city.secret.held.clear()
    answer = city.ask("GET", "/health/ready")

    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "not_ready", "5")
    with_a_token = city.ask("GET", "/api/users/me", headers={"Authorization": "Bearer a.b.c"})
    assert with_a_token.status_code in {401, 503}


def test_readiness_tells_of_a_table_that_does_not_answer(new_city):
    city = new_city(names={"main": "nobody-made-this-table"})

    answer = city.ask("GET", "/health/ready")

    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


def test_a_new_neighborhood_has_its_creator_inside_after_one_transaction(new_city):
    city = new_city()

    with city.counted() as requests:
        answer = city.ask("POST", "/api/nbhds", by="alice", json={"name": "  My   Neighborhood ", "description": None})

    assert answer.status_code == 201
    body = answer.json()
    assert UUID4.fullmatch(body["id"])
    assert answer.headers["Location"] == f"/api/nbhds/{body['id']}"
    assert body == {
        "id": body["id"],
        "name": "My Neighborhood",
        "description": "",
        "created_by": "did:plc:alice",
        "created_at": "2025-01-15T08:30:00.123000Z",
        "updated_at": "2025-01-15T08:30:00.123000Z",
        "member_count": 1,
    }
    assert requests == {"TransactWriteItems": 1}
    detail = city.detail(body["id"])
    assert detail == body | {
        "members": [{"id": "did:plc:alice", "user_id": "did:plc:alice", "joined_at": body["created_at"]}],
        "members_next_cursor": None,
        "is_member": None,
    }


def test_a_name_is_taken_in_every_spelling(new_city):
    city = new_city()
    held = city.create("alice", "My Neighborhood")
    city.create("alice", "Straße")

    answer = city.ask("POST", "/api/nbhds", by="bob", json={"name": "MY neighborhood"})

    assert answer.status_code == 409
    problem = answer.json()
    assert "already exists" in problem.pop("detail")
    assert problem == {"code": "name_taken", "nbhd_id": held["id"], "request_id": answer.headers["X-Request-Id"]}
    assert city.ask("POST", "/api/nbhds", by="bob", json={"name": "STRASSE"}).status_code == 409
    assert city.metrics.totals["NameTaken"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "left\u202eright"}, "name"),
        ({"name": "\ufdfa" * 100}, "name"),
        ({"name": "half \ud800"}, "name"),
        ({"name": "\u200d"}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({}, "name"),
        ({"name": "x", "extra": 1}, "extra"),
        ({"name": "x", "description": "x" * 1001}, "description"),
        ({"name": "x", "description": "half \udc00"}, "description"),
        ([], "body"),
    ],
)
def test_what_is_no_neighborhood_is_refused_by_its_field_and_nothing_is_written(new_city, body, field):
    city = new_city()
    as_ascii = json.dumps(body)  # httpx writes no half of a surrogate pair, other clients do

    answer = city.ask("POST", "/api/nbhds", by="alice", content=as_ascii, headers=JSON_CONTENT)

    assert answer.status_code == 422
    problem = answer.json()
    assert isinstance(problem["detail"], str)
    assert (problem["code"], problem["errors"][0]["field"]) == ("validation_error", field)
    assert problem["errors"][0].keys() == {"field", "message"}
    assert city.items() == []


def test_a_refused_name_says_for_which_code_point_and_a_picture_stays_whole(new_city):
    city = new_city()
    england = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f \U0001fae9"

    assert city.create("alice", england)["name"] == england
    for mark in ("\ufeff", "\u200e", "\u2066"):
        answer = city.ask("POST", "/api/nbhds", by="alice", json={"name": f"Home{mark}"})
        assert answer.json()["errors"][0]["message"].endswith(f"U+{ord(mark):04X}")


def test_broken_json_and_a_body_that_is_too_large_are_refused(new_city):
    city = new_city()

    assert city.ask("POST", "/api/nbhds", by="alice", content=b"{", headers=JSON_CONTENT).status_code == 422
    too_large = city.ask("POST", "/api/nbhds", by="alice", json={"name": "x", "description": "x" * 17_000})

    assert (too_large.status_code, too_large.json()["code"]) == (413, "payload_too_large")


def test_a_malformed_id_is_not_found_without_a_request(new_city):
    city = new_city()

    with city.counted() as requests:
        for method, path in (
            ("GET", ""),
            ("GET", "/members"),
            ("POST", "/join"),
            ("DELETE", "/leave"),
            ("DELETE", ""),
        ):
            answer = city.ask(method, f"/api/nbhds/not-a-uuid{path}", by="alice")
            assert (answer.status_code, answer.json()["code"]) == (404, "nbhd_not_found")

    assert not requests


def test_an_id_in_upper_case_is_the_same_id(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    assert city.detail(made["id"].upper())["id"] == made["id"]


def test_a_detail_takes_two_requests_signed_in_or_not(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    with city.counted() as as_visitor:
        assert city.detail(made["id"])["is_member"] is None
    with city.counted() as as_member:
        assert city.detail(made["id"], by="alice")["is_member"] is True
    with city.counted() as as_stranger:
        assert city.detail(made["id"], by="bob")["is_member"] is False

    assert as_visitor == {"GetItem": 1, "Query": 1}
    assert as_member == as_stranger == {"BatchGetItem": 1, "Query": 1}


def test_a_detail_without_members_takes_one_request(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    with city.counted() as requests:
        detail = city.detail(made["id"], members_limit=0)

    assert (detail["members"], detail["members_next_cursor"], detail["member_count"]) == ([], None, 1)
    assert requests == {"GetItem": 1}


def test_a_token_that_is_no_good_makes_a_visitor_of_its_bearer(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    answer = city.ask("GET", f"/api/nbhds/{made['id']}", headers={"Authorization": "Bearer nonsense"})

    assert (answer.status_code, answer.json()["is_member"]) == (200, None)


# ---- changes -------------------------------------------------------------------------------------------------------


def test_a_rename_frees_the_old_name(new_city):
    city = new_city()
    made = city.create("alice", "My Neighborhood", description="Ours")
    city.clock.forward(minutes=1)

    with city.counted() as requests:
        answer = city.ask("PATCH", f"/api/nbhds/{made['id']}", by="alice", json={"name": "New Name"})

    assert answer.status_code == 200
    assert answer.json() == made | {"name": "New Name", "updated_at": "2025-01-15T08:31:00.123000Z"}
    assert city.detail(made["id"])["name"] == "New Name"
    assert requests == {"GetItem": 1, "TransactWriteItems": 1}
    again = city.create("bob", "my neighborhood")
    assert city.names_held() == {"new name": made["id"], "my neighborhood": again["id"]}


def test_another_spelling_of_the_same_name_writes_no_sentinel(new_city):
    city = new_city()
    made = city.create("alice", "New Name")

    with city.counted() as requests:
        answer = city.ask("PATCH", f"/api/nbhds/{made['id']}", by="alice", json={"name": "NEW name"})

    assert (answer.status_code, answer.json()["name"]) == (200, "NEW name")
    assert requests == {"GetItem": 1, "UpdateItem": 1}
    assert city.names_held() == {"new name": made["id"]}


def test_a_name_held_by_another_stays_theirs(new_city):
    city = new_city()
    mine, theirs = city.create("alice", "Mine"), city.create("bob", "Theirs")

    answer = city.ask("PATCH", f"/api/nbhds/{mine['id']}", by="alice", json={"name": "THEIRS"})

    assert (answer.status_code, answer.json()["code"], answer.json()["nbhd_id"]) == (409, "name_taken", theirs["id"])
    assert city.names_held() == {"mine": mine["id"], "theirs": theirs["id"]}
    assert city.detail(mine["id"])["name"] == "Mine"


def test_an_empty_description_clears_it_and_an_absent_one_leaves_it(new_city):
    city = new_city()
    made = city.create("alice", "Home", description="Ours  \n")
    path = f"/api/nbhds/{made['id']}"
    assert made["description"] == "Ours"

    assert city.ask("PATCH", path, by="alice", json={"name": "Castle"}).json()["description"] == "Ours"
    assert city.ask("PATCH", path, by="alice", json={"description": "All of it"}).json()["description"] == "All of it"
    for empty in (None, "", "   "):
        assert city.ask("PATCH", path, by="alice", json={"description": "x"}).status_code == 200
        assert city.ask("PATCH", path, by="alice", json={"description": empty}).json()["description"] == ""


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": ""}, {"status": "deleting"}, {"description": 1}])
def test_a_change_of_nothing_or_of_something_else_is_refused(new_city, body):
    city = new_city()
    made = city.create("alice", "Home")

    assert city.ask("PATCH", f"/api/nbhds/{made['id']}", by="alice", json=body).status_code == 422
    assert city.detail(made["id"])["name"] == "Home"


def test_only_the_creator_may_change_or_delete(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.join("bob", made["id"])
    path = f"/api/nbhds/{made['id']}"

    for answer in (
        city.ask("PATCH", path, by="bob", json={"name": "Bob's"}),
        city.ask("PATCH", path, by="bob", json={"name": "HOME"}),
        city.ask("DELETE", path, by="bob"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_creator")
    assert city.ask("PATCH", path, by="alice", json={"name": "Hers"}).status_code == 200


def test_a_change_of_what_does_not_exist_creates_nothing(new_city):
    city = new_city()
    path = f"/api/nbhds/{uuid.uuid4()}"

    assert city.ask("PATCH", path, by="alice", json={"name": "Ghost"}).status_code == 404
    assert city.ask("DELETE", path, by="alice").status_code == 404
    assert city.items() == []


def test_a_creator_who_left_may_still_change_it(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    assert city.leave("alice", made["id"]).status_code == 204
    assert city.check_count(made["id"]) == 0
    assert city.ask("PATCH", f"/api/nbhds/{made['id']}", by="alice", json={"name": "Empty"}).status_code == 200


def test_a_sentinel_that_belongs_to_another_is_told_to_the_operator(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    [sentinel] = [item for item in city.items() if item["SK"] == "NAME"]
    city.client.put_item(
        TableName=city.names["main"],
        Item={"PK": {"S": sentinel["PK"]}, "SK": {"S": "NAME"}, "nbhd_id": {"S": "somebody-else"}},
    )

    for answer in (
        city.ask("PATCH", f"/api/nbhds/{made['id']}", by="alice", json={"name": "Castle"}),
        city.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert city.metrics.totals["NameSentinelInvariant"] == 2
