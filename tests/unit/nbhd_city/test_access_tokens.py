"""Access tokens: the published example, and every way in which a token can be wrong."""

from uuid import UUID

import jwt
import pytest

from lambda_src.runtime.tokens import TokenExpired, TokenRefused
from lambda_src.services.nbhd_city.models import Did, Identity, Principal
from lambda_src.services.nbhd_city.principals import AccessTokens
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.signing import SigningKey

NEEDED: dict[str, str] = {
    "dynamodb_table_name": "t",
    "nbhd_task_queue_url": "q",
    "app_secret_arn": "s",
    "frontend_origins": "https://nbhd.city",
    "cors_allowed_origins": "https://nbhd.city",
}
KEY = bytes(range(32))
ISSUED_AT = 1_767_225_600
PUBLISHED = (
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJhbXIiOiJic2t5IiwiYXVkIjoibmJoZC1jaXR5LWFwaSIsImV4cCI6MTc2N"
    "zgzMDQwMCwiaGRsIjoiYWxpY2UuYnNreS5zb2NpYWwiLCJpYXQiOjE3NjcyMjU2MDAsImlzcyI6Im5iaGQuY2l0eSIsImp0aSI6IjAwMDAwMDAwLTA"
    "wMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMSIsInN1YiI6ImRpZDpwbGM6YWxpY2UifQ.zy32VsqLVkewliQ7jBplY5eWIqOe8F5mAMj1qHRodfw"
)


class OneKey:
    def current(self):
        return SigningKey("k1", KEY)

    def find(self, key_id):
        return self.current() if key_id == "k1" else None


def at(seconds, *, accepts_test=True):
    settings = ApiSettings(environment="local" if accepts_test else "prod", **NEEDED)
    return AccessTokens(
        OneKey(),
        settings,
        seconds=lambda: seconds,
        make_id=lambda: UUID("00000000-0000-4000-8000-000000000001"),
    )


def token(*, key=KEY, kid="k1", algorithm="HS256", **changes):
    claims = {
        "iss": "nbhd.city",
        "aud": "nbhd-city-api",
        "sub": "did:plc:alice",
        "iat": ISSUED_AT,
        "exp": ISSUED_AT + 600,
        "jti": "00000000-0000-4000-8000-000000000001",
        "amr": "bsky",
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def test_the_published_token_is_read_in_its_time():
    assert at(1_767_225_601).read(PUBLISHED) == Principal(Did("did:plc:alice"), "alice.bsky.social", 1_767_830_400)
    assert at(1_767_830_409).read(PUBLISHED).did == "did:plc:alice"


def test_the_published_token_has_expired_ten_seconds_after_its_time():
    with pytest.raises(TokenExpired):
        at(1_767_830_411).read(PUBLISHED)


def test_what_we_issue_says_the_same_as_the_published_token():
    issued = at(ISSUED_AT).issue(Identity(Did("did:plc:alice"), "alice.bsky.social"), method="bsky")
    assert issued.expires_in == 604_800
    ours, published = (
        jwt.decode_complete(text, options={"verify_signature": False}) for text in (issued.text, PUBLISHED)
    )
    assert ours["payload"] == published["payload"]
    assert ours["header"] == published["header"]


def test_a_token_without_a_handle_names_none():
    issued = at(ISSUED_AT).issue(Identity(Did("did:plc:alice"), None), method="test")
    assert at(ISSUED_AT).read(issued.text).handle is None
    with pytest.raises(TokenRefused):
        at(ISSUED_AT, accepts_test=False).read(issued.text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "evil.example"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": ["nbhd-city-api", "another-api"]},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"iat": None},
        {"iat": ISSUED_AT + 11},
        {"nbf": ISSUED_AT + 11},
        {"sub": None},
        {"sub": "alice"},
        {"sub": "did:plc:" + "a" * 300},
        {"sub": "did:plc:x\n"},
        {"jti": None},
        {"amr": None},
        {"amr": "pwd"},
        {"amr": ["bsky"]},
        {"hdl": 5},
        {"key": b"another key of thirty-two bytes!"},
        {"kid": "k2"},
        {"kid": ""},
        {"algorithm": "none", "key": None},
        {"algorithm": "HS512", "key": KEY * 2},
    ],
)
def test_a_token_that_is_wrong_in_one_point_is_invalid(wrong):
    assert at(ISSUED_AT).read(token()).did == "did:plc:alice"
    with pytest.raises(TokenRefused):
        at(ISSUED_AT).read(token(**wrong))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "...",
        "e30.e30.",
        "null.null.null",
        "[].[].[]",
        "é.é.é",
        "x" * 4097,
        PUBLISHED + ".x",
        PUBLISHED + "=",
        PUBLISHED + "==",
        PUBLISHED + "\n",
        " " + PUBLISHED,
        PUBLISHED.replace(".", "=.", 1),
    ],
)
def test_a_text_that_is_no_token_is_invalid(text):
    with pytest.raises(TokenRefused):
        at(ISSUED_AT).read(text)


def test_every_changed_character_of_a_signature_is_noticed():
    head, _, signature = PUBLISHED.rpartition(".")
    for place in range(len(signature)):
        changed = "A" if signature[place] != "A" else "B"
        with pytest.raises(TokenRefused):
            at(ISSUED_AT).read(f"{head}.{signature[:place]}{changed}{signature[place + 1 :]}")


def test_a_text_above_four_kibibytes_is_not_parsed(monkeypatch):
    monkeypatch.setattr("jwt.get_unverified_header", lambda _text: pytest.fail("parsed"))
    with pytest.raises(TokenRefused):
        at(ISSUED_AT).read(token(hdl="a" * 4000))
