"""Signing in with Google: who gets an account, who finds their own, and whom Google does not vouch for."""

import json
from dataclasses import replace

import pytest

from cdk_app.services.algoitny.google.world import Person
from cdk_app.services.stand_ins.answers import Answer, json_answer, text_answer
from lambda_src.dynamo.values import to_key
from lambda_src.errors import Conflict
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.settings import Counts
from tests.support.algoitny import ADMIN, FREE, PRO
from tests.support.algoitny_google import ANN, BOB, REDIRECT, VERIFIER
from tests.support.algoitny_people import check_people, told, users_of

NOON_MS = 1_759_924_800_000


def plan_counts(google):
    return [google.judge.stored_plan(plan_id)["uct"] for plan_id in (FREE, PRO, ADMIN)]


# ---- somebody new ----------------------------------------------------------------------------------------------------


def test_somebody_new_gets_an_account_and_both_tokens(google):
    answer = google.sign_in()

    assert answer.status_code == 200
    body = answer.json()
    access, refresh, user_id = body.pop("access"), body.pop("refresh"), body["user"]["id"]
    assert body == {
        "user": {
            "id": user_id, "email": "ann@example.com", "name": "Ann", "picture": "https://pictures.example/ann",
            "is_admin": False, "is_active": True, "subscription_plan_id": FREE, "subscription_plan_name": "Free",
            "subscription_plan_description": "", "all_consents_given": False, "created_at": "2025-10-08T12:00:00.000Z",
            "last_login_at": "2025-10-08T12:00:00.000Z",
        },
        "token_type": "Bearer", "expires_in": 3600, "is_new_user": True,
    }  # fmt: skip
    assert google.knock(access) == (404, "not_found")
    assert len(refresh) == 32 + 1 + 43
    assert google.stored(user_id)["GSI1PK"] == "EMAIL#ann@example.com"
    guards = {item["PK"] for item in google.judge.items() if item.get("tp") == "uniq" and "uid" in item}
    assert guards == {"UNIQ#EMAIL#ann@example.com", "UNIQ#GID#108"}
    assert plan_counts(google) == [1, 0, 0]
    check_people(google.judge)


def test_ten_first_sign_ins_at_once_make_one_account(google):
    answers = google.judge.all_at_once(*[google.sign_in] * 10)

    assert [answer.status_code for answer in answers] == [200] * 10
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1
    assert [answer.json()["is_new_user"] for answer in answers].count(True) == 1
    assert len(google.users()) == 1
    assert plan_counts(google) == [1, 0, 0]
    assert google.world.calls["certs"] == 1
    check_people(google.judge)


def test_one_address_with_two_google_accounts_at_once_goes_to_one_of_them(google):
    other = replace(ANN, sub="666")
    answers = google.judge.all_at_once(*[google.sign_in, lambda: google.sign_in(other)] * 4)

    refused = [told(answer) for answer in answers if answer.status_code != 200]
    assert refused == [(409, "account_conflict")] * 4
    assert len(google.users()) == 1
    check_people(google.judge)


@pytest.mark.parametrize(
    ("wished", "given"),
    [("Free", FREE), ("Team", 4), ("TEAM ", 4), ("Pro", FREE), ("Admin", FREE), ("None", FREE), ("", FREE)],
)
def test_somebody_new_may_choose_a_plan_that_is_for_choosing(google, wished, given):
    google.judge.plan(plan_id=4, name="Team", is_self_service=True)

    assert google.sign_in(plan=wished).json()["user"]["subscription_plan_id"] == given
    check_people(google.judge)


def test_nobody_chooses_admin_though_an_administrator_let_members_choose_it(google):
    boss = google.judge.admin()
    path = f"/api/admin/plans/{ADMIN}"
    assert google.judge.ask("PATCH", path, by=boss, json={"is_self_service": True}).status_code == 200

    assert google.sign_in(plan="Admin").json()["user"]["subscription_plan_id"] == FREE


def test_a_plan_that_takes_nobody_any_more_is_not_given(google):
    google.judge.plan(plan_id=4, name="Team", is_self_service=True, is_active=False)

    assert google.sign_in(plan="Team").json()["user"]["subscription_plan_id"] == FREE


def test_the_first_sign_in_at_a_new_table_brings_the_default_plans(google):
    for item in google.judge.items():
        google.judge.client.delete_item(
            TableName=google.judge.names["main"], Key=to_key({"PK": item["PK"], "SK": item["SK"]})
        )

    assert google.sign_in().json()["user"]["subscription_plan_name"] == "Free"
    assert google.sign_in(BOB, plan="Free").json()["is_new_user"]
    assert plan_counts(google) == [2, 0, 0]
    check_people(google.judge)


def test_a_plan_is_for_somebody_new_only(google):
    google.judge.plan(plan_id=4, name="Team", is_self_service=True)
    google.sign_in()

    assert google.sign_in(plan="Team").json()["user"]["subscription_plan_id"] == FREE


# ---- somebody who was here before ------------------------------------------------------------------------------------


def test_who_comes_back_is_found_by_the_google_account_and_what_google_says_is_kept(google):
    first = google.signed_in()
    google.judge.clock.forward(days=3)
    moved = replace(ANN, email="ann@elsewhere.example", name="Ann Lee", picture="https://pictures.example/new")
    body = google.sign_in(moved).json()

    assert not body["is_new_user"]
    assert body["user"] == {
        **first["user"], "name": "Ann Lee", "picture": "https://pictures.example/new",
        "last_login_at": "2025-10-11T12:00:00.000Z",
    }  # fmt: skip
    assert google.stored(body["user"]["id"])["llg"] == NOON_MS + 3 * 86_400_000
    check_people(google.judge)


def test_what_google_does_not_say_stays(google):
    google.signed_in()

    assert google.sign_in(name=None, picture=None).json()["user"]["name"] == "Ann"
    assert google.sign_in(name=" \n ", picture="javascript:alert(1)").json()["user"]["picture"] == ANN.picture


@pytest.mark.parametrize(
    ("name", "picture", "kept"),
    [
        ("A\nB\0", "https://p.example/\n", ("A B", "")),
        ("x" * 300, "https://p.example/" + "x" * 2_048, ("x" * 255, "")),
        (7, ["https://p.example/"], ("", "")),
        ("Ä\ud800", "http://p.example/a", ("Ä\ufffd", "http://p.example/a")),
    ],
)
def test_names_and_pictures_are_kept_as_far_as_they_are_some(google, name, picture, kept):
    user = google.sign_in(name=name, picture=picture).json()["user"]

    assert (user["name"], user["picture"]) == kept


def test_an_account_of_the_same_address_without_a_google_account_gets_this_one(google):
    user_id = google.plant()
    body = google.signed_in()

    assert (body["user"]["id"], body["is_new_user"]) == (user_id, False)
    assert google.stored(user_id)["gid"] == "108"
    assert google.sign_in(replace(ANN, email="ann@elsewhere.example")).json()["user"]["id"] == user_id
    check_people(google.judge)


def test_two_google_accounts_that_want_the_same_account_at_once_do_not_share_it(google):
    google.plant()
    other = replace(ANN, sub="666")
    answers = google.judge.all_at_once(google.sign_in, lambda: google.sign_in(other))

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    check_people(google.judge)


def test_an_account_that_has_a_google_account_by_now_gets_no_other(google):
    user_id, users = google.plant(), users_of(google.judge)
    as_read = users.get_user_by_id(user_id)
    assert as_read is not None
    google.signed_in()
    before = google.stored(user_id)

    with pytest.raises(Conflict):
        users.link_google_account(as_read, "666", {})
    assert google.stored(user_id) == before
    check_people(google.judge)


def test_an_address_that_belongs_to_another_google_account_is_left_alone(google):
    user_id = google.plant(google_id="7")
    before = google.stored(user_id)

    assert told(google.sign_in()) == (409, "account_conflict")
    assert google.stored(user_id) == before
    assert google.judge.metrics.totals[Counts.SIGN_IN_FAILURE] == 1


@pytest.mark.parametrize("fields", [{"google_id": "108"}, {}])
def test_who_is_switched_off_does_not_come_in(google, fields):
    user_id = google.plant(is_active=False, **fields)
    before = google.stored(user_id)

    assert told(google.sign_in()) == (403, "account_disabled")
    assert google.stored(user_id) == before


def test_an_administrator_by_address_reads_it_of_themselves(google):
    google.judge.secret.held["admin_emails"] = " ANN@example.com , boss@example.com"
    user = google.signed_in()["user"]

    assert (user["is_admin"], user["subscription_plan_id"], user["subscription_plan_name"]) == (True, FREE, "Admin")
    assert "stf" not in google.stored(user["id"]) or not google.stored(user["id"])["stf"]


def test_requests_of_a_sign_in_are_few(google):
    with google.judge.counted() as new:
        google.signed_in()
    with google.judge.counted() as known:
        google.signed_in()
    google.judge.user(BOB.email)
    with google.judge.counted() as linked:
        google.signed_in(BOB)

    assert new == {"GetItem": 2, "UpdateItem": 1, "TransactWriteItems": 1, "PutItem": 1, "Query": 1}
    assert known == {"GetItem": 2, "UpdateItem": 1, "PutItem": 1}
    assert linked == {"GetItem": 3, "TransactWriteItems": 1, "PutItem": 1}


# ---- whom Google does not vouch for ----------------------------------------------------------------------------------


def test_an_operator_reads_why_sign_ins_fail(google, caplog):
    google.sign_in(aud="another")
    google.sign_in(email_verified=False)

    failed = [line.reason for line in caplog.records if line.message == "sign-in failed"]
    assert failed == ["invalid_google_token", "email_unverified"]


def test_an_address_that_google_has_not_verified_is_nobody_s(google):
    for verified in (False, "false", "True", 1, None, [True]):
        assert told(google.sign_in(email_verified=verified)) == (403, "email_unverified"), verified
    assert google.users() == []


def test_google_may_write_that_it_is_verified_as_text(google):
    assert google.sign_in(email_verified="true").status_code == 200


def test_a_token_that_says_nothing_about_anybody_is_refused(google):
    wrong = (
        {"aud": "another"}, {"aud": ["client-1"]}, {"iss": "https://accounts.evil.example"}, {"exp": 1}, {"sub": "1\n"},
        {"sub": "x" * 256}, {"sub": ""}, {"email": None}, {"email": "no address"}, {"email": "a\n@b"}, {"email": 7},
        {"email": "x" * 251 + "@b.c"}, {"email": "\u212aim@example.com"},
    )  # fmt: skip
    for changes in wrong:
        answer = google.sign_in(**changes)
        assert told(answer) == (401, "invalid_google_token"), changes
        assert answer.json()["error"] == "The Google sign-in is not valid"
        assert answer.headers["www-authenticate"] == "Bearer"
    assert google.users() == []
    assert google.judge.metrics.totals[Counts.SIGN_IN_FAILURE] == len(wrong)


def test_what_is_no_token_is_refused(google):
    for text in ("x", "a.b.c", "x" * 1_000_000, "\ud800", "\0"):
        sent = {"content": json.dumps({"token": text}), "headers": {"Content-Type": "application/json"}}
        answer = google.judge.ask("POST", "/api/auth/google", **sent)
        assert told(answer) == (401, "invalid_google_token"), text[:10]


def test_while_google_s_keys_cannot_be_had_nobody_is_refused_for_it(google):
    google.world.order("certs", json_answer({}, status=500))
    answer = google.sign_in()

    assert told(answer) == (502, "google_unavailable")
    assert answer.headers["retry-after"] == "1"
    google.judge.clock.forward(seconds=1)
    assert google.sign_in().status_code == 200


# ---- codes -----------------------------------------------------------------------------------------------------------


def test_a_code_signs_in_as_its_token_would(google):
    sent = {"code": google.code(), "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    body = google.post("google", **sent).json()

    assert (body["user"]["email"], body["is_new_user"]) == ("ann@example.com", True)
    assert told(google.post("google", **sent)) == (401, "invalid_google_token"), "a code works once"


def test_a_code_that_a_script_of_google_s_handed_over_is_bound_to_a_word(google):
    code = google.code(redirect_uri="postmessage", code_challenge="")

    assert google.post("google", code=code, redirect_uri="postmessage").status_code == 200


def test_a_code_with_another_verifier_or_for_another_address_is_refused(google):
    for changes in ({"code_verifier": "x" * 43}, {"code_verifier": None}):
        sent = {"code": google.code(), "redirect_uri": REDIRECT, "code_verifier": VERIFIER, **changes}
        assert told(google.post("google", **sent)) == (401, "invalid_google_token")
    assert told(google.post("google", code=google.code(), redirect_uri="postmessage")) == (502, "google_unavailable")


def test_an_address_that_is_not_ours_is_not_even_asked_about(google):
    for address in (
        "https://evil.example/", REDIRECT + "/", REDIRECT.upper(), "POSTMESSAGE", "postmessage,", REDIRECT + "\n",
    ):  # fmt: skip
        assert told(google.post("google", code="4/0x", redirect_uri=address)) == (400, "bad_request"), address
    assert google.world.calls["token"] == 0


def test_an_exchange_that_brings_no_token_is_google_s_fault_and_not_repeated(google):
    answers = (
        json_answer({"error": "invalid_client"}, status=401),
        json_answer({"error": "invalid_grant"}, status=500),
        json_answer({"error": "invalid_request"}, status=400),
        json_answer({"access_token": "ya29"}),
        json_answer({"id_token": 7}),
        json_answer({"id_token": google.token()}, status=500),
        text_answer("busy", status=503),
        text_answer("x" * 100_000),
        Answer(status=302, headers={"Location": "https://evil.example/"}),
    )
    google.world.order("token", *answers)
    for ordered in answers:
        told_of_it = told(google.post("google", code="4/0x", redirect_uri=REDIRECT))
        assert told_of_it == (502, "google_unavailable"), ordered.body[:100]
    assert google.world.calls["token"] == len(answers)


def test_a_client_secret_that_google_refuses_is_read_anew(google):
    google.world.client_secret = "another"
    google.post("google", code=google.code(), redirect_uri=REDIRECT, code_verifier=VERIFIER)

    assert google.judge.secret.refreshed == 1


def test_a_token_that_an_exchange_brings_is_held_against_the_same_rules(google):
    forged = google.token(Person(sub="1", email="eve@example.com", name="Eve"), client="another")
    google.world.order("token", json_answer({"id_token": forged}))

    assert told(google.post("google", code="4/0x", redirect_uri=REDIRECT)) == (401, "invalid_google_token")


# ---- what is sent ----------------------------------------------------------------------------------------------------


def test_exactly_one_proof_is_wanted(google):
    wrong: tuple[dict[str, object], ...] = (
        {}, {"id_token": None}, {"id_token": "", "token": ""}, {"id_token": "a", "token": "b"},
        {"id_token": "a", "code": "c"},
        {"code": "c"}, {"code": "c", "redirect_uri": ""}, {"redirect_uri": REDIRECT}, {"id_token": "a", "token": "a"},
        {"code": "c", "token": "c", "redirect_uri": REDIRECT},
    )  # fmt: skip
    for sent in wrong:
        assert told(google.post("google", **sent)) == (400, "bad_request"), sent


def test_what_cannot_be_meant_is_refused_with_its_field(google):
    wrong = (
        {"id_token": 7}, {"id_token": ["a"]}, {"code": "c" * 2_049, "redirect_uri": REDIRECT},
        {"id_token": "a", "x": 1}, {"code": "c", "redirect_uri": REDIRECT, "code_verifier": "short"},
        {"code": "c", "redirect_uri": REDIRECT, "code_verifier": VERIFIER + "\n"},
        {"id_token": "a", "plan": "x" * 101},
    )  # fmt: skip
    for sent in wrong:
        answer = google.post("google", **sent)
        assert told(answer) == (422, "validation_error"), sent
        assert answer.json()["errors"]


def test_the_guard_of_an_address_decides_where_the_index_is_behind(google):
    """The index of this engine is never behind: so the entry is taken away."""
    user_id = google.plant()
    stored = google.stored(user_id)
    google.judge.put_items({name: value for name, value in stored.items() if not name.startswith("GSI1")})

    assert google.signed_in()["user"]["id"] == user_id
    assert google.judge.item(items.GOOGLE_GUARD.key(google_id="108"))["uid"] == user_id
