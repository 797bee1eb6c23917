"""Keys out of the application's secret: what counts as one, what is derived from it, and how one is replaced."""

import base64
import json

import pytest

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.errors import InvalidCursor, NotReady
from lambda_src.runtime.app_secret import AppSecret, DerivedKeys
from lambda_src.runtime.secrets import Secret
from lambda_src.services.nbhd_city.sign_in.clients import SignInSecret
from lambda_src.services.nbhd_city.wiring import CURSOR_PURPOSE
from lambda_src.signing import SigningKey


class KeptSecret:
    """Powertools' cache over a secret that a test rewrites, on the test's clock."""

    def __init__(self, value):
        self.value, self.now, self.reads = value, 1000.0, 0
        self._kept = (0.0, None)

    def get(self, _name, *, max_age, transform, force_fetch):
        assert transform == "json"
        until, kept = self._kept
        if force_fetch or self.now >= until:
            self.reads += 1
            kept = json.loads(json.dumps(self.value))
            self._kept = (self.now + max_age, kept)
        return kept


def key(fill, size=32):
    return base64.urlsafe_b64encode(bytes([fill]) * size).decode()


@pytest.fixture
def store():
    return KeptSecret({"jwt": {"current": {"kid": "k1", "key": key(1)}}})


@pytest.fixture
def secret(store):
    return AppSecret(Secret("app", source=lambda: store, monotonic=lambda: store.now))


def test_the_current_key_signs_and_is_found_by_name(secret):
    keys = secret
    assert (keys.current().id, keys.current().secret) == ("k1", bytes([1]) * 32)
    assert keys.find("k1") == keys.current()


def test_keys_of_cursors_are_derived_from_those_of_tokens(secret):
    derived = DerivedKeys(secret, CURSOR_PURPOSE).current()
    assert derived.id == "k1"
    assert derived.secret.hex() == "81f9f623e048cbcd0442a52a5a02b925ffd4b0cb54533590793f429e61328945"


def test_an_unknown_name_has_the_secret_read_anew_but_not_more_than_once_in_thirty_seconds(secret, store):
    keys = secret
    keys.current()
    for seconds, reads in ((0, 1), (29, 1), (2, 2), (10, 2), (21, 3)):
        store.now += seconds
        assert keys.find("k9") is None
        assert store.reads == reads


def test_a_new_key_is_found_at_once_where_another_process_uses_it_already(secret, store):
    keys = secret
    keys.current()
    old = store.value["jwt"]["current"]
    store.value = {"jwt": {"current": {"kid": "k2", "key": key(2)}, "previous": [old]}}
    store.now += 31
    assert keys.find("k2") == SigningKey("k2", bytes([2]) * 32)
    assert keys.find("k1") == SigningKey("k1", bytes([1]) * 32)
    assert keys.current().id == "k2"


def test_a_removed_key_is_gone_after_five_minutes(secret, store):
    keys = secret
    assert keys.find("k1")
    store.value = {"jwt": {"current": {"kid": "k2", "key": key(2)}}}
    store.now += 299
    assert keys.find("k1")
    store.now += 2
    assert keys.find("k1") is None


def test_a_cursor_dies_with_its_key(secret, store):
    cursors = CursorCodec(DerivedKeys(secret, CURSOR_PURPOSE), seconds=lambda: store.now)
    text = cursors.encode("nbhds", {"c": "x"})
    assert cursors.decode(text, "nbhds") == {"c": "x"}
    store.value = {"jwt": {"current": {"kid": "k2", "key": key(2)}}}
    store.now += 301
    with pytest.raises(InvalidCursor):
        cursors.decode(text, "nbhds")


@pytest.mark.parametrize(
    "jwt",
    [
        None,
        {},
        {"current": None},
        {"current": {"kid": "k1"}},
        {"current": {"kid": "", "key": key(1)}},
        {"current": {"kid": "k1", "key": key(1, 31)}},
        {"current": {"kid": "k1", "key": "not base64 at all, but rather long so that it could be"}},
        {"current": {"kid": "k1", "key": key(1)}, "previous": {"kid": "k0"}},
        {"current": {"kid": "k1", "key": key(1)}, "previous": [{"kid": "k0", "key": "short"}]},
        [],
        "text",
    ],
)
def test_without_good_keys_the_service_is_not_ready(secret, store, jwt):
    store.value = {} if jwt is None else {"jwt": jwt}
    with pytest.raises(NotReady) as caught:
        secret.current()
    assert caught.value.retry_after_seconds == 5


def test_a_key_may_be_written_with_or_without_padding(secret, store):
    store.value["jwt"]["current"]["key"] = key(1).rstrip("=")
    assert secret.current().secret == bytes([1]) * 32


def test_what_is_not_in_the_secret_is_not_there(secret, store):
    sections = SignInSecret(secret)
    assert sections.client_secret() == ""
    assert sections.client_jwk() is None
    assert sections.test_users() == []
    store.value |= {"test_login": {"users": ["x"]}, "oauth": {"client_secret": 5}}
    store.now += 301
    for read in (sections.test_users, sections.client_secret):
        with pytest.raises(NotReady):
            read()
