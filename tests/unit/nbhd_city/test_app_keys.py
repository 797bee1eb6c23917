"""What nbhd.city takes out of the application's secret; how keys are read and replaced is the runtime's."""

import base64

import pytest

from lambda_src.errors import NotReady
from lambda_src.runtime.app_secret import AppSecret, DerivedKeys
from lambda_src.runtime.secrets import GivenSecret
from lambda_src.services.nbhd_city.sign_in.clients import SignInSecret
from lambda_src.services.nbhd_city.wiring import CURSOR_PURPOSE


def secret(**sections):
    current = {"kid": "k1", "key": base64.urlsafe_b64encode(bytes([1]) * 32).decode()}
    return AppSecret(GivenSecret("app", {"jwt": {"current": current}, **sections}))


def test_keys_of_cursors_are_derived_from_those_of_tokens():
    derived = DerivedKeys(secret(), CURSOR_PURPOSE).current()
    assert derived.id == "k1"
    assert derived.secret.hex() == "81f9f623e048cbcd0442a52a5a02b925ffd4b0cb54533590793f429e61328945"


def test_what_is_not_in_the_secret_is_not_there():
    sections = SignInSecret(secret())
    assert sections.client_secret() == ""
    assert sections.client_jwk() is None
    assert sections.test_users() == []


def test_a_section_that_is_not_as_it_should_be_leaves_the_service_not_ready():
    sections = SignInSecret(secret(test_login={"users": ["x"]}, oauth={"client_secret": 5}))
    for read in (sections.test_users, sections.client_secret):
        with pytest.raises(NotReady):
            read()
