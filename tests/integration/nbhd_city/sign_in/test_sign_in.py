"""Signing in, from the button on the page to the token, against servers that check what they receive."""

from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from tests.support.sign_in import OTHER_PAGE, PAGE, PASSWORD, answered

BOTH = pytest.mark.parametrize("profile", ["basic", "atproto"])


# ---- the whole way -------------------------------------------------------------------------------------------------


@BOTH
def test_a_sign_in_ends_with_a_token_though_every_step_meets_another_process(make_city, profile):
    city = make_city(profile=profile)
    browser = city.browser().login(handle="alice.bsky.social").choose("did:plc:alice")
    back = browser.callback(api=city.another_process())
    assert back.headers["location"].startswith(f"{PAGE}/callback.html?code=")
    answer = city.another_process().post("/auth/token", json=answered(back))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["user"] == {
        "id": "did:plc:alice",
        "handle": "alice.bsky.social",
        "display_name": None,
        "avatar": None,
        "created_at": None,
    }
    assert (body["token_type"], body["expires_in"]) == ("bearer", 604_800)
    me = city.api.get("/auth/me", headers={"authorization": f"Bearer {body['access_token']}"})
    expires_at = int(city.clock().timestamp()) + 604_800
    assert me.json() == {
        "user_id": "did:plc:alice",
        "authenticated": True,
        "handle": "alice.bsky.social",
        "expires_at": expires_at,
    }


@pytest.mark.parametrize(
    ("profile", "asked"),
    [
        ("basic", ["authorization server", "BlueSky API"]),
        # metadata, and the request that is pushed twice; the code; document and server of the account; its profile
        ("atproto", ["authorization server"] * 4 + ["DID directory", "PDS", "BlueSky API"]),
    ],
)
def test_the_time_that_every_server_takes_is_measured_under_its_name(make_city, profile, asked):
    city = make_city(profile=profile)
    city.browser().sign_in()
    assert city.metrics.measured == [("UpstreamLatency", {"upstream": name}) for name in asked]
    assert not city.metrics.counted


def test_profile_atproto_learns_the_nonce_at_its_first_request_and_keeps_it_for_the_second(city):
    city.browser().sign_in()
    assert city.world.errors("par") == ["use_dpop_nonce", ""]
    assert city.world.errors("token") == [""]


def test_a_nonce_that_became_stale_is_replaced_once(city):
    browser = city.browser().login().choose()
    city.world.rotate_nonces()
    assert "code" in answered(browser.callback())
    assert city.world.errors("token") == ["use_dpop_nonce", ""]


def test_in_profile_atproto_the_browser_carries_nothing_but_the_name_of_the_pushed_request(city):
    query = parse_qs(urlsplit(city.browser().login().sign_in_page).query)
    assert query.keys() == {"client_id", "request_uri"}


def test_in_profile_basic_the_browser_carries_the_challenge_and_never_the_verifier(make_city):
    city = make_city(profile="basic")
    query = parse_qs(urlsplit(city.browser().login(handle="alice.bsky.social").sign_in_page).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["login_hint"] == ["alice.bsky.social"]
    [state] = city.items()
    assert state["code_verifier"] not in str(query)
    assert len(state["code_verifier"]) == 64


def test_a_pasted_handle_is_cleaned_or_refused_before_anybody_is_asked(make_city):
    city = make_city()
    for pasted in ("@bob.bsky.social", "\u202abob.bsky.social\u202c", " Bob.bsky.social\u200e"):
        page = city.web.get(city.browser().login(handle=pasted).sign_in_page).text
        assert page.index("Sign in as Bob") < page.index("Sign in as Alice")
    asked, kept = len(city.world.errors("par")), city.items()

    for pasted in ("bob", "bob@example.com", "b\u00f6b.example"):
        refused = city.browser().login(handle=pasted).started
        assert refused is not None
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "handle")
    assert (len(city.world.errors("par")), city.items()) == (asked, kept)


def test_a_public_client_sends_no_assertion(make_city):
    city = make_city(oauth_client_auth="none")
    assert city.browser().sign_in()["user"]["id"] == "did:plc:alice"
    assert city.api.get("/oauth/client-metadata.json").json()["token_endpoint_auth_method"] == "none"


def test_two_sign_ins_in_one_browser_do_not_disturb_each_other(city):
    first, second = city.browser().login(), city.browser()
    second.cookies = first.cookies
    second.login()
    first.cookies = second.cookies
    assert len(second.cookies) == 2
    assert "code" in answered(first.choose("did:plc:alice").callback())
    assert "code" in answered(second.choose("did:plc:bob").callback())


def test_a_page_of_another_allowed_origin_is_returned_to(city):
    browser = city.browser().login(return_url=f"{OTHER_PAGE}/some/page?x=1").choose()
    assert browser.callback().headers["location"].startswith(f"{OTHER_PAGE}/callback.html?code=")


def test_the_old_page_may_get_the_token_itself_outside_production(make_city):
    city = make_city(callback_mode="token")
    token = answered(city.browser().login().choose().callback())["token"]
    assert city.api.get("/auth/me", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_stored_profile_learns_a_new_handle_and_names_its_owner_in_the_token(city):
    token = city.browser().sign_in()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    assert city.api.post("/api/users/me/profile", json={"display_name": "Al"}, headers=headers).status_code == 201
    city.client.update_item(
        TableName=city.names["main"],
        Key={"PK": {"S": "USER#did:plc:alice"}, "SK": {"S": "PROFILE"}},
        UpdateExpression="SET handle = :h",
        ExpressionAttributeValues={":h": {"S": "old.example"}},
    )
    user = city.browser().sign_in()["user"]
    assert (user["handle"], user["display_name"]) == ("alice.bsky.social", "Al")
    assert city.api.get("/api/users/me", headers=headers).json()["handle"] == "alice.bsky.social"


def test_the_cookie_is_for_the_callback_alone_and_goes_when_the_sign_in_is_over(city):
    browser = city.browser().login()
    cookie = browser.started.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Path=/auth", "Max-Age=600"):
        assert part in cookie
    assert "Secure" not in cookie, "the redirect address is plain HTTP on this machine"
    gone = browser.choose().callback().headers["set-cookie"]
    assert gone.partition("=")[0] == cookie.partition("=")[0]
    assert "Max-Age=0" in gone


def test_the_cookie_is_secure_when_the_product_is(make_city):
    city = make_city(bluesky_oauth_redirect_uri="https://api.nbhd.example/auth/callback")
    assert "Secure" in city.browser().login().started.headers["set-cookie"]


def test_a_sign_in_leaves_nothing_usable_in_the_table(city):
    browser = city.browser().login()
    state = dict(parse_qs(urlsplit(browser.choose().back).query))["state"][0]
    kept = str(city.items())
    assert state not in kept
    assert all(secret not in kept for secret in browser.cookies.values())
    code = answered(browser.callback())["code"]
    assert code not in str(city.items())


def test_signing_in_costs_one_write_to_begin_and_three_more_to_complete(make_city):
    city = make_city()
    operations = []
    city.client.meta.events.register("before-call.dynamodb", lambda model, **_: operations.append(model.name))
    browser = city.browser().login()
    assert operations == ["PutItem"]
    browser.choose()
    operations.clear()
    code = answered(browser.callback())["code"]
    assert operations == ["DeleteItem", "UpdateItem", "PutItem"]
    operations.clear()
    city.api.post("/auth/token", json={"code": code})
    assert operations == ["DeleteItem", "GetItem"]


# ---- documents of the client ---------------------------------------------------------------------------------------


def test_the_client_tells_what_it_is_and_publishes_no_private_key(city):
    metadata = city.api.get("/oauth/client-metadata.json").json()
    assert metadata == {
        "client_id": "http://localhost:8004/oauth/client-metadata.json",
        "application_type": "web",
        "client_name": "nbhd.city",
        "client_uri": "http://localhost:8004",
        "redirect_uris": ["http://localhost:8004/auth/callback"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "atproto",
        "dpop_bound_access_tokens": True,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks_uri": "http://localhost:8004/oauth/jwks.json",
    }
    [key] = city.api.get("/oauth/jwks.json").json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_profile_basic_has_no_documents(make_city):
    city = make_city(profile="basic")
    for path in ("/oauth/client-metadata.json", "/oauth/jwks.json"):
        assert city.api.get(path).status_code == 404


# ---- test users ----------------------------------------------------------------------------------------------------


def test_a_test_user_signs_in_with_a_password_where_that_is_enabled(make_city):
    city = make_city(test_login_enabled=True)
    answer = city.api.post("/auth/test-login", json={"username": "tess", "password": PASSWORD})
    assert answer.status_code == 200
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 604_800)
    assert answer.json()["user"]["handle"] == "tess.test"
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["amr"] == "test"
    assert not city.world.calls
    me = city.api.get("/auth/me", headers={"authorization": f"Bearer {answer.json()['access_token']}"})
    assert me.json()["user_id"] == "did:plc:tess"
    for username, password in (("tess", "wrong"), ("nobody", PASSWORD), ("", ""), ("theo", PASSWORD)):
        refused = city.api.post("/auth/test-login", json={"username": username, "password": password})
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")


def test_test_login_does_not_exist_where_it_is_not_enabled(city):
    answer = city.api.post("/auth/test-login", json={"username": "tess", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# ---- the page of the stand-in --------------------------------------------------------------------------------------


def test_people_choose_who_they_are_on_a_page_that_names_the_hint_first(city):
    page = city.web.get(city.browser().login(handle="bob.bsky.social").sign_in_page).text
    assert page.index("Sign in as Bob") < page.index("Sign in as Alice")
    assert 'name="viewport"' in page
