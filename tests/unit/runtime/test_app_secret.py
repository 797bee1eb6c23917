"""Keys out of an application's secret: what counts as one, what is derived from it, and how one is replaced."""

import base64
import json

import pytest

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.errors import InvalidCursor, NotReady
from lambda_src.runtime.app_secret import AppSecret, DerivedKeys
from lambda_src.runtime.secrets import Secret
from lambda_src.signing import SigningKey

PURPOSE = b"sample:cursors:v1"


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
def kept():
    return KeptSecret({"jwt": {"current": {"kid": "k1", "key": key(1)}}})


@pytest.fixture
def keys(kept):
    return AppSecret(Secret("app", source=lambda: kept, monotonic=lambda: kept.now))


def test_the_current_key_signs_and_is_found_by_name(keys):
    assert (keys.current().id, keys.current().secret) == ("k1", bytes([1]) * 32)
    assert keys.find("k1") == keys.current()


def test_keys_for_a_purpose_are_derived_and_of_no_use_for_another(keys):
    derived, other = DerivedKeys(keys, PURPOSE), DerivedKeys(keys, b"another purpose")
    assert derived.current().id == "k1"
    assert derived.current().secret.hex() == "cd8eacc00741fa29a868188b3288b5c122a4ff18a36c2d60b7fe7940e3675225"
    assert derived.find("k1") == derived.current()
    assert derived.find("k9") is None
    assert len({derived.current().secret, other.current().secret, keys.current().secret}) == 3


def test_an_unknown_name_has_the_secret_read_anew_but_not_more_than_once_in_thirty_seconds(keys, kept):
    keys.current()
    for seconds, reads in ((0, 1), (29, 1), (2, 2), (10, 2), (21, 3)):
        kept.now += seconds
        assert keys.find("k9") is None
        assert kept.reads == reads


def test_a_new_key_is_found_at_once_where_another_process_uses_it_already(keys, kept):
    keys.current()
    old = kept.value["jwt"]["current"]
    kept.value = {"jwt": {"current": {"kid": "k2", "key": key(2)}, "previous": [old]}}
    kept.now += 31
    assert keys.find("k2") == SigningKey("k2", bytes([2]) * 32)
    assert keys.find("k1") == SigningKey("k1", bytes([1]) * 32)
    assert keys.current().id == "k2"


def test_a_removed_key_is_gone_after_five_minutes(keys, kept):
    assert keys.find("k1")
    kept.value = {"jwt": {"current": {"kid": "k2", "key": key(2)}}}
    kept.now += 299
    assert keys.find("k1")
    kept.now += 2
    assert keys.find("k1") is None


def test_a_cursor_dies_with_its_key(keys, kept):
    cursors = CursorCodec(DerivedKeys(keys, PURPOSE), seconds=lambda: kept.now)
    text = cursors.encode("list", {"c": "x"})
    assert cursors.decode(text, "list") == {"c": "x"}
    kept.value = {"jwt": {"current": {"kid": "k2", "key": key(2)}}}
    kept.now += 301
    with pytest.raises(InvalidCursor):
        cursors.decode(text, "list")


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
def test_without_good_keys_the_service_is_not_ready(keys, kept, jwt):
    kept.value = {} if jwt is None else {"jwt": jwt}
    with pytest.raises(NotReady) as caught:
        keys.current()
    assert caught.value.retry_after_seconds == 5


def test_a_key_may_be_written_with_or_without_padding(keys, kept):
    kept.value["jwt"]["current"]["key"] = key(1).rstrip("=")
    assert keys.current().secret == bytes([1]) * 32


def test_other_sections_are_read_as_they_are_and_a_missing_one_is_empty(keys, kept):
    kept.value["oauth"] = {"client_secret": "s"}
    assert keys.section("oauth") == {"client_secret": "s"}
    assert keys.section("nothing") == {}
    kept.value["oauth"] = "text"
    kept.now += 301
    with pytest.raises(NotReady):
        keys.section("oauth")


def test_a_secret_that_cannot_be_read_leaves_the_service_not_ready():
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415

    class Unreachable:
        def get(self, name, *, max_age, transform, force_fetch):
            raise GetParameterError

    keys = AppSecret(Secret("app", source=Unreachable))
    for read in (keys.current, lambda: keys.find("k1"), lambda: keys.section("oauth")):
        with pytest.raises(NotReady):
            read()
