"""Staying signed in and signing out: one refresh token after the other, ten seconds for who asks twice, then none."""

from lambda_src.services.algoitny import items
from tests.support.algoitny_google import BOB
from tests.support.algoitny_people import told, users_of

DAY = 86_400


def refreshed(google, token):
    answer = google.post("refresh", refresh=token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told_of(google, token):
    return told(google.post("refresh", refresh=token))


def sign_ins(google):
    return [item for item in google.judge.items() if item["PK"].startswith("RTOK#")]


# ---- refresh ---------------------------------------------------------------------------------------------------------


def test_a_refresh_brings_both_tokens_anew(google):
    first = google.signed_in()
    google.judge.clock.forward(minutes=50)
    with google.judge.counted() as requests:
        second = refreshed(google, first["refresh"])

    assert requests == {"GetItem": 2, "UpdateItem": 1}
    assert second.keys() == {"access", "refresh", "token_type", "expires_in"}
    assert (second["token_type"], second["expires_in"]) == ("Bearer", 3600)
    assert second["refresh"] != first["refresh"]
    google.judge.clock.forward(minutes=11)
    assert google.knock(first["access"]) == (401, "token_expired")
    assert google.knock(second["access"]) == (404, "not_found")


def test_a_token_that_was_used_more_than_ten_seconds_ago_ends_the_sign_in(google):
    first = google.signed_in()["refresh"]
    second = refreshed(google, first)["refresh"]
    google.judge.clock.forward(seconds=11)

    assert told_of(google, first) == (401, "token_reused")
    assert told_of(google, second) == (401, "invalid_token")
    assert sign_ins(google) == []


def test_who_asks_again_within_ten_seconds_gets_the_same_successor(google):
    first = google.signed_in()["refresh"]
    second = refreshed(google, first)["refresh"]
    google.judge.clock.forward(seconds=9)

    assert refreshed(google, first)["refresh"] == second
    assert refreshed(google, second)["refresh"] != second


def test_tabs_that_refresh_at_once_get_the_same_successor(google):
    first = google.signed_in()["refresh"]
    answers = google.judge.all_at_once(*[lambda: google.post("refresh", refresh=first)] * 12)

    assert [answer.status_code for answer in answers] == [200] * 12
    assert len({answer.json()["refresh"] for answer in answers}) == 1
    assert len(sign_ins(google)) == 1


def test_a_sign_in_ends_after_thirty_days_unused_and_after_a_year_in_all(google):
    idle, busy = google.signed_in()["refresh"], google.signed_in()["refresh"]
    for _ in range(12):
        google.judge.clock.forward(days=30, seconds=-1)
        busy = refreshed(google, busy)["refresh"]
    assert told_of(google, idle) == (401, "invalid_token")
    google.judge.clock.forward(days=6)
    assert told_of(google, busy) == (401, "invalid_token")


def test_what_is_no_refresh_token_is_refused(google):
    session = google.signed_in()
    signin_id, _, secret = session["refresh"].partition(".")
    changed = secret[:-2] + ("AA" if secret[-2:] != "AA" else "BA")
    for text in (
        "",
        "x",
        session["access"],
        session["refresh"] + "\n",
        f"{signin_id}.{changed}",
        f"{'0' * 32}.{secret}",
    ):
        assert told_of(google, text) == (401, "invalid_token"), text
    assert refreshed(google, session["refresh"])
    assert told(google.judge.ask("POST", "/api/auth/refresh", json={"refresh": 7})) == (422, "validation_error")


def test_another_service_process_goes_on_with_it(google):
    first = google.signed_in()["refresh"]
    other = google.another_judge(names=google.judge.names, clock=google.judge.clock)

    assert other.ask("POST", "/api/auth/refresh/", json={"refresh": first}).status_code == 200


# ---- users who are switched off --------------------------------------------------------------------------------------


def test_who_is_switched_off_goes_on_nowhere_and_after_that_signs_in_anew(google):
    session, other = google.signed_in(), google.signed_in()
    path, admin = f"/api/admin/users/{session['user']['id']}", google.judge.admin()
    assert google.judge.ask("PATCH", path, by=admin, json={"is_active": False}).status_code == 200

    assert google.knock(session["access"]) == (403, "account_disabled")
    assert told_of(google, session["refresh"]) == (403, "account_disabled")
    assert google.judge.ask("PATCH", path, by=admin, json={"is_active": True}).status_code == 200
    assert google.knock(session["access"]) == (401, "token_revoked")
    assert told_of(google, session["refresh"]) == (401, "invalid_token"), "that sign-in ended"
    assert told_of(google, other["refresh"]) == (401, "token_revoked"), "and no other goes on"
    assert google.knock(google.signed_in()["access"]) == (404, "not_found")


def test_ten_seconds_do_not_outlive_an_account(google):
    session = google.signed_in()
    refreshed(google, session["refresh"])
    users_of(google.judge).deactivate_user(session["user"]["id"])

    assert told_of(google, session["refresh"]) == (403, "account_disabled")


def test_who_is_gone_goes_on_nowhere(google):
    session = google.signed_in()
    google.judge.remove(items.USER.key(user_id=session["user"]["id"]))

    assert google.knock(session["access"]) == (401, "token_revoked")
    assert told_of(google, session["refresh"]) == (401, "token_revoked")


# ---- signing out -----------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_sign_in_and_may_be_repeated(google):
    session, other = google.signed_in(), google.signed_in()
    for _ in range(2):
        answer = google.post("logout", refresh=session["refresh"])
        assert (answer.status_code, answer.json()) == (200, {"message": "Signed out"})

    assert told_of(google, session["refresh"]) == (401, "invalid_token")
    assert google.knock(session["access"]) == (404, "not_found"), "for the rest of its hour"
    assert refreshed(google, other["refresh"])


def test_nothing_of_a_sign_in_comes_back_after_signing_out_even_at_once(google):
    for chosen in (0, 1):
        first = google.signed_in()["refresh"]
        family = (first, refreshed(google, first)["refresh"])
        assert google.post("logout", refresh=family[chosen]).status_code == 200
        assert [told_of(google, token) for token in family] == [(401, "invalid_token")] * 2


def test_refreshes_beside_a_signing_out_leave_nothing_that_goes_on(google):
    for _ in range(4):
        first = google.signed_in()["refresh"]
        answers = google.judge.all_at_once(
            *[lambda token=first: google.post("refresh", refresh=token)] * 4,
            lambda token=first: google.post("logout", refresh=token),
        )
        assert answers[-1].status_code == 200
        brought = {answer.json()["refresh"] for answer in answers[:-1] if answer.status_code == 200}
        assert len(brought) <= 1
        assert [told_of(google, token) for token in brought] == [(401, "invalid_token")] * len(brought)


def test_only_what_is_no_token_at_all_cannot_be_signed_out(google):
    session = google.signed_in()
    signin_id = session["refresh"].partition(".")[0]
    for text in ("", "x", session["access"], session["refresh"] + "\n"):
        for all_devices in (False, True):
            sent = {"refresh": text, "all_devices": all_devices}
            assert told(google.post("logout", **sent)) == (401, "invalid_token"), sent
    for text in (f"{'0' * 32}.{'A' * 43}", f"{signin_id}.{'A' * 43}"):
        assert google.post("logout", refresh=text).status_code == 200
    assert refreshed(google, session["refresh"])


def test_signing_out_everywhere_voids_every_token_of_the_user_and_of_nobody_else(google):
    sessions, bob = [google.signed_in() for _ in range(3)], google.signed_in(BOB)
    for _ in range(2):
        assert google.post("logout", refresh=sessions[0]["refresh"], all_devices=True).status_code == 200

    assert [google.knock(each["access"]) for each in sessions] == [(401, "token_revoked")] * 3
    assert told_of(google, sessions[0]["refresh"]) == (401, "invalid_token")
    assert [told_of(google, each["refresh"]) for each in sessions[1:]] == [(401, "token_revoked")] * 2
    assert google.knock(bob["access"]) == (404, "not_found")
    assert google.stored(sessions[0]["user"]["id"])["tkv"] == 1


def test_nobody_signs_another_out_everywhere_without_a_token_that_goes_on(google):
    session = google.signed_in()
    signin_id, old = session["refresh"].partition(".")[0], session["refresh"]
    newest = refreshed(google, old)["refresh"]
    assert google.post("logout", refresh=f"{signin_id}.{'A' * 43}", all_devices=True).status_code == 200
    assert told(google.post("logout", refresh=session["refresh"], all_devices="no")) == (422, "validation_error")
    assert google.knock(session["access"]) == (404, "not_found")
    google.judge.clock.forward(seconds=11)
    assert google.post("logout", refresh=old, all_devices=True).status_code == 200

    assert google.knock(session["access"]) == (404, "not_found")
    assert told_of(google, newest) == (401, "invalid_token"), "a used token ends its own sign-in"


def test_signing_out_costs_one_request(google):
    session = google.signed_in()
    with google.judge.counted() as one:
        google.post("logout", refresh=session["refresh"])
    session = google.signed_in()
    with google.judge.counted() as everywhere:
        google.post("logout", refresh=session["refresh"], all_devices=True)

    assert one == {"DeleteItem": 1}
    assert everywhere == {"GetItem": 2, "UpdateItem": 2, "DeleteItem": 1}
