"""Names and addresses of users, and what an account says about itself."""

import subprocess
import sys
import time
from typing import Any

import pytest

from lambda_src.runtime.accounts.passwords import NO_PASSWORD
from lambda_src.services.yoto_smart_stream.errors import InvalidEmail, InvalidUsername
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.names import username_key, valid_email, valid_username


def user(**fields: Any) -> UserRecord:
    given: dict[str, Any] = {
        "user_id": 7,
        "username": "John",
        "created_at": "then",
        "updated_at": "then",
        "hashed_password": "$argon2id$",
    }
    return UserRecord(**given | fields)


@pytest.mark.parametrize("name", ["abc", "A_b-9", "x" * 50, "---", "admin"])
def test_a_user_name_is_kept_as_typed_and_found_in_any_case(name):
    assert valid_username(name) == name
    assert username_key(name) == username_key(name.upper()) == name.lower()


@pytest.mark.parametrize(
    "name",
    ["", "ad", "x" * 51, "a b", " abc", "abc ", "abc\n", "\nabc", "a.b", "a@b", "a#b", "a%b", "adm\u00edn",
     "\uff41\uff44\uff4d\uff49\uff4e", "\u0430dmin", "\u212aelvin", "abc\u0301", "\u0661\u0662\u0663",
     "\ud800abc", "abc\0"],
    ids=ascii,
)  # fmt: skip
def test_what_looks_like_a_name_or_ends_in_more_is_none(name):
    """Also of other scripts and widths: what is not accepted is never taken for a name that exists."""
    assert username_key(name) is None
    with pytest.raises(InvalidUsername):
        valid_username(name)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("John@Example.COM", "John@example.com"),
        ("john#x@example.com", "john#x@example.com"),
        ("j%o@example.com", "j%o@example.com"),
        ("Jose\u0301@example.com", "Jos\u00e9@example.com"),
        ("john@ex\u00e4mple.com", "john@ex\u00e4mple.com"),
        ("john@xn--exmple-cua.com", "john@ex\u00e4mple.com"),
    ],
)
def test_an_address_is_kept_in_its_normal_form(typed, kept):
    assert valid_email(typed) == kept
    assert valid_email(kept) == kept


@pytest.mark.parametrize(
    "text",
    ["", "john", "john@", "@example.com", "john@example", "john@localhost", "a b@example.com", "john@example.com\n",
     "\njohn@example.com", " john@example.com", "John <john@example.com>", "john@[127.0.0.1]", "a@b@example.com",
     "john@example..com", "\ud800@example.com", "john@\ud800.com", "j\0@example.com", "dad@nas.local",
     "\u00e9" * 130 + "@example.com", "a" * 250 + "@example.com"],
    ids=lambda text: ascii(text[:24]),
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidEmail):
        valid_email(text)


def test_a_text_of_megabytes_is_refused_without_a_second_look():
    begun = time.process_time()
    marks = "\u0315\u0300" * 40_000
    for text in (
        "a" * 2_000_000 + "@example.com",
        f"a{marks}@example.com",
        "a@" + "b." * 1_000_000 + "com",
        "@" * 2_000_000,
    ):
        with pytest.raises(InvalidEmail):
            valid_email(text)
    assert time.process_time() - begun < 2


def test_addresses_are_compared_whatever_their_case():
    assert user(email="Stra\u00dfe@example.com").email_key == user(email="STRASSE@EXAMPLE.COM").email_key
    assert user().email_key is None


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"is_admin": True}, True),
        ({}, False),
        ({"is_admin": True, "is_active": False}, False),
        ({"is_admin": True, "hashed_password": NO_PASSWORD}, False),
    ],
    ids=str,
)
def test_an_administrator_counts_who_can_sign_in(fields, counts):
    assert user(**fields).counts_as_admin is counts


def test_a_user_is_known_by_a_second_name_for_the_id():
    assert (user().id, user().username_key) == (7, "john")


def test_the_worker_gets_the_first_administrator_without_the_libraries_of_the_api():
    """Nor argon2, before a hash has to be made."""
    heavy = ("fastapi", "starlette", "jwt", "boto3", "argon2", "email_validator")
    program = (
        "import sys; from lambda_src.services.yoto_smart_stream.accounts import service; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
