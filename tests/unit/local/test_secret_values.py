from typing import Any

import pytest

from cdk_app.local.secret_values import filled_in
from cdk_app.services.nbhd_city import smoke
from cdk_app.services.nbhd_city.bluesky.world import SAMPLE_ACCOUNTS
from cdk_app.services.nbhd_city.local_secrets import MADE_UP
from lambda_src.runtime.app_secret import AppSecret
from lambda_src.services.nbhd_city.sign_in import service
from lambda_src.services.nbhd_city.sign_in.clients import SignInSecret
from tests.support.played import HeldSecret

AS_THE_STACK_LEFT_IT = {"unused": "generated", "jwt": "", "oauth": "", "test_login": ""}


@pytest.fixture
def filled() -> dict[str, Any]:
    return filled_in(AS_THE_STACK_LEFT_IT, {}, MADE_UP)


def test_what_is_made_up_is_what_the_service_accepts(filled):
    secret = AppSecret(HeldSecret(filled))
    assert secret.current().id == "local"
    assert SignInSecret(secret).client_secret()
    jwk = SignInSecret(secret).client_jwk()
    assert jwk is not None
    assert (jwk["kty"], jwk["crv"], jwk["kid"], "d" in jwk) == ("EC", "P-256", "local", True)


def test_a_test_user_is_who_signs_in_at_the_stand_in(filled):
    users = service.TestLogin(SignInSecret(AppSecret(HeldSecret(filled))).test_users)
    for name, account in zip(("alice", "bob"), SAMPLE_ACCOUNTS, strict=False):
        identity = users.identify(name, name)
        assert (identity.did, identity.handle) == (account.did, account.handle)


def test_the_smoke_check_knows_a_test_user(filled):
    users = service.TestLogin(SignInSecret(AppSecret(HeldSecret(filled))).test_users)
    assert users.identify(**smoke.LOCAL_USER).did == "did:plc:alice"


def test_what_was_made_up_before_stays_and_so_does_everything_else(filled):
    assert filled_in(filled, {}, MADE_UP) == filled
    assert filled["unused"] == "generated"
    assert filled_in({"current": "kept"}, {"youtube_api_key": "real"}, MADE_UP) == {"current": "kept"}


def test_two_local_clouds_have_nothing_in_common(filled):
    other = filled_in(AS_THE_STACK_LEFT_IT, {}, MADE_UP)
    assert other["jwt"] != filled["jwt"]
    assert other["oauth"] != filled["oauth"]


def test_keys_of_outside_services_are_written_again_at_every_start():
    assert filled_in({"youtube_api_key": "old"}, {"youtube_api_key": "new"}, {}) == {"youtube_api_key": "new"}
