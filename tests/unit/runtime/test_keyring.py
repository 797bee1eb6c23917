"""Signing keys out of a secret, before, during and after a rotation."""

import pytest

from lambda_src.runtime.keyring import GeneratedKeys
from lambda_src.runtime.secrets import GivenSecret, Secret

OLD, NEW = "o" * 32, "n" * 32


def keys(current: str, previous: str | None = None) -> GeneratedKeys:
    return GeneratedKeys(
        GivenSecret("keys", {"current": current} | ({} if previous is None else {"previous": previous}))
    )


def test_a_key_has_the_same_name_wherever_it_is_read():
    assert keys(NEW).current() == keys(NEW).current()
    assert keys(NEW).current().id != keys(OLD).current().id
    assert keys(NEW).current().secret == NEW.encode()
    assert NEW not in keys(NEW).current().id


@pytest.mark.parametrize("previous", [None, ""])
def test_without_a_rotation_there_is_one_key(previous):
    ring = keys(NEW, previous)
    assert ring.find(ring.current().id) == ring.current()
    assert ring.find(keys(OLD).current().id) is None


def test_after_a_rotation_the_old_key_is_found_and_the_new_one_signs():
    ring = keys(NEW, OLD)
    assert ring.current().secret == NEW.encode()
    assert ring.find(keys(OLD).current().id) == keys(OLD).current()


def test_a_secret_is_read_anew_for_a_key_that_it_did_not_hold():
    class Rotated(Secret):
        is_fresh = False

        def get(self, name: str, *, default: str | None = None) -> str:
            return {"current": NEW if self.is_fresh else OLD}.get(name) or default or ""

        def refresh(self) -> None:
            self.is_fresh = True

    assert GeneratedKeys(Rotated("keys")).find(keys(NEW).current().id) == keys(NEW).current()


@pytest.mark.parametrize("text", ["", "short"])
def test_a_key_that_is_too_short_to_be_a_secret_is_refused(text):
    with pytest.raises(ValueError, match="16 bytes"):
        keys(text).current()
