"""Passwords: those that nobody may choose, hashes from now and before, and names that nobody has."""

import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable

import pytest
from argon2.low_level import Type, hash_secret

from lambda_src.runtime.accounts.common_passwords import COMMON_PASSWORDS
from lambda_src.runtime.accounts.passwords import (
    MIN_CHARACTERS,
    NEW,
    NO_PASSWORD,
    RFC_9106,
    Checked,
    Cost,
    Passwords,
    WeakPassword,
    folded,
    refuse_weak,
)
from lambda_src.runtime.problems import ErrorAnswers
from lambda_src.signing import SigningKey

GOOD = "four quiet green lamps"
TYPED_ON_A_MAC, TYPED_ON_WINDOWS = "Cafe\u0301-crème-1234", "Caf\u00e9-crème-1234"
CHEAP = Cost(64, 1, 1)
WRONG = Checked(is_right=False)


class OneKey:
    def current(self) -> SigningKey:
        return SigningKey("k1", b"1" * 32)

    def find(self, key_id: str) -> SigningKey | None:
        return None


PASSWORDS = Passwords(OneKey(), kinds=(NEW, RFC_9106))


def phc(password: str, cost: Cost = CHEAP, *, kind: Type = Type.ID, version: int = 19) -> str:
    """A hash of other making."""
    made = hash_secret(
        password.encode(), b"saltsaltsaltsalt", cost.passes, cost.memory_kib, cost.lanes, 32, kind, version
    )
    return made.decode()


def cpu_ms(call: Callable[[], object]) -> float:
    """The lesser of two, of all threads."""
    times = []
    for _ in range(2):
        begun = time.process_time()
        call()
        times.append((time.process_time() - begun) * 1000)
    return min(times)


# ---- which may be chosen ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", [GOOD, "x" * 127 + "y", "Пароль из лампы", "🐙🐙🐙🐙🐙🐙🐙🐙🐙🐙🐙🦑", "john@example.org"]
)
def test_a_password_may_be_of_any_characters(password):
    refuse_weak(password, username="john", email="John@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "eleven char",
        "x" * 129,
        "e\u0301" * 11,  # 22 characters that are 11
        "JOHN.Smith-1970",
        "john@EXAMPLE.com",
        "1q2w3e4r5t6y",
        "PassWord1234",
        "correcthorsebatterystaple",
        "QWERTYQWERTY",
        "123456789012",
    ],
)
def test_a_password_that_is_short_long_or_easy_is_refused(password):
    with pytest.raises(WeakPassword) as caught:
        refuse_weak(password, username="john.smith-1970", email="John@Example.com")
    answer = ErrorAnswers()(caught.value)
    assert answer.status_code == 422
    assert b'"code":"weak_password"' in answer.body
    assert len(password) < 8 or password.encode() not in answer.body


def test_a_letter_that_is_written_in_two_ways_counts_once():
    refuse_weak("e\u0301" * 128, username="john")
    with pytest.raises(WeakPassword):
        refuse_weak("e\u0301" * 129, username="john")
    refuse_weak("\u03b1\u0313\u0300\u0345" * 128, username="john")  # one letter of four, the longest there are


def test_a_long_run_of_marks_is_refused_without_a_second_look():
    begun = time.process_time()
    with pytest.raises(WeakPassword):
        refuse_weak("e" + "\u0315\u0300" * 40_000, username="john")
    assert time.process_time() - begun < 1, "putting them in order takes 7 s, and a minute for three times as many"


@pytest.mark.parametrize("email", ["strasse@example.com", "STRASSE@Example.com", "straße@EXAMPLE.com"])
def test_an_address_is_compared_as_addresses_are(email):
    with pytest.raises(WeakPassword):
        refuse_weak("STRAßE@example.com", username="john", email=email)


def test_who_has_no_address_is_compared_with_none():
    refuse_weak(GOOD, username="john", email=None)
    with pytest.raises(WeakPassword):
        refuse_weak("A-User-Name-1", username="a-user-name-1", email=None)


def test_the_common_passwords_are_those_that_could_be_chosen_folded():
    assert len(COMMON_PASSWORDS) > 300
    assert all(len(each) >= MIN_CHARACTERS and each == folded(each) for each in COMMON_PASSWORDS)


# ---- hashes ----------------------------------------------------------------------------------------------------------


def test_a_new_hash_is_as_promised_and_right_for_its_password_only():
    stored = PASSWORDS.hash(GOOD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(stored) <= 255
    assert stored != PASSWORDS.hash(GOOD), "salted"
    assert PASSWORDS.check(GOOD, stored, name="john") == Checked(is_right=True)
    for wrong in (GOOD + " ", GOOD.upper(), "", "\ud800", "x" * 1_024):
        assert PASSWORDS.check(wrong, stored, name="john") == WRONG


@pytest.mark.parametrize("kind", list(Type))
@pytest.mark.parametrize("version", [16, 19])
def test_a_hash_of_any_argon2_counts_and_is_replaced(kind, version):
    stored = phc(GOOD, kind=kind, version=version)
    assert PASSWORDS.check("wrong", stored, name="john") == WRONG
    right, new_hash = PASSWORDS.check(GOOD, stored, name="john")
    assert right
    assert PASSWORDS.check(GOOD, new_hash, name="john") == Checked(is_right=True)


def test_a_hash_without_a_version_is_one_of_before():
    stored = phc(GOOD, kind=Type.I, version=16).replace("$v=16", "")
    assert PASSWORDS.check(GOOD, stored, name="john").is_right
    assert PASSWORDS.check(GOOD, stored, name="john").new_hash is not None


def test_a_hash_of_the_earlier_product_counts_and_is_replaced():
    stored = phc(GOOD, RFC_9106)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    checked = PASSWORDS.check(GOOD, stored, name="john")
    assert checked.new_hash is not None
    assert checked.new_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_password_is_the_same_wherever_it_is_typed():
    assert TYPED_ON_A_MAC != TYPED_ON_WINDOWS
    stored = PASSWORDS.hash(TYPED_ON_A_MAC)
    for typed in (TYPED_ON_A_MAC, TYPED_ON_WINDOWS):
        assert PASSWORDS.check(typed, stored, name="john") == Checked(is_right=True)
    ligatures = "\ufb01ve \ufb01ne ligatures"
    assert PASSWORDS.check(unicodedata.normalize("NFKC", ligatures), PASSWORDS.hash(ligatures), name="john") == WRONG


def test_an_old_hash_of_what_was_typed_counts_for_what_is_typed_again():
    of_mac, of_windows = phc(TYPED_ON_A_MAC, NEW), phc(TYPED_ON_WINDOWS, NEW)
    checked = PASSWORDS.check(TYPED_ON_A_MAC, of_mac, name="john")
    assert checked.new_hash is not None, "its parameters are good, its form is not"
    assert PASSWORDS.check(TYPED_ON_WINDOWS, checked.new_hash, name="john").is_right
    assert PASSWORDS.check(TYPED_ON_A_MAC, of_windows, name="john") == Checked(is_right=True)
    assert PASSWORDS.check(TYPED_ON_WINDOWS, of_mac, name="john") == WRONG, "nobody can tell what was typed then"


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "$argon2id$v=19$m=19456,t=2",
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$abc$def",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$",
        "$argon2id$v=19$m=-1,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43,
        "$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43,
        "$argon2id$v=19$m=19456,t=2$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43,
        "$argon2id$v=19$m=64,t=1,p=1$é$é",
        "$argon2é$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43,
        "pbkdf2_sha256$260000$salt$hash",
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        GOOD,
    ],
)
def test_a_hash_that_cannot_be_read_is_a_wrong_password_that_took_as_long(stored, caplog):
    new = Passwords(OneKey())
    took = cpu_ms(lambda: new.check(GOOD, stored, name="john"))
    assert new.check(GOOD, stored, name="john") == WRONG
    assert took > cpu_ms(lambda: new.hash(GOOD)) / 2
    assert "password hash cannot be read" in caplog.text
    assert not stored or stored not in caplog.text


@pytest.mark.parametrize("cost", ["m=4194304,t=1,p=1", "m=65536,t=4000000000,p=1", "m=262144,t=1,p=4000"])
def test_a_hash_that_would_take_the_function_with_it_is_not_tried(cost):
    stored = f"$argon2id$v=19${cost}$c2FsdHNhbHRzYWx0c2FsdA${'A' * 43}"
    assert cpu_ms(lambda: Passwords(OneKey()).check(GOOD, stored, name="john")) < 1_000


# ---- names that nobody has -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [None, NO_PASSWORD])
@pytest.mark.parametrize("password", [GOOD, "", NO_PASSWORD, "\0" * 32])
def test_nobody_signs_in_without_a_password(stored, password, caplog):
    assert Passwords(OneKey()).check(password, stored, name="zoe") == WRONG
    assert caplog.text == "", "that is no fault"


@pytest.mark.parametrize(("cost", "typed"), [(NEW, GOOD), (NEW, TYPED_ON_A_MAC), (RFC_9106, GOOD)])
def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password(cost, typed):
    passwords = Passwords(OneKey(), kinds=(cost,))
    stored = phc("another password", cost)
    wrong = cpu_ms(lambda: passwords.check(typed, stored, name="john"))
    nobody = cpu_ms(lambda: passwords.check(typed, None, name="zoe"))
    assert 0.6 < nobody / wrong < 1.7


def test_a_name_that_nobody_has_is_of_one_kind_again_and_again_and_of_each_as_often():
    kinds = [PASSWORDS._matching_nothing(f"name{number}") for number in range(400)]
    assert kinds == [PASSWORDS._matching_nothing(f"name{number}") for number in range(400)]
    assert sorted(kind.split("$")[3] for kind in set(kinds)) == ["m=19456,t=2,p=1", "m=65536,t=3,p=4"]
    assert 150 < sum("m=19456" in kind for kind in kinds) < 250
    assert PASSWORDS._matching_nothing("\ud800")


def test_nothing_of_it_is_imported_before_it_is_used():
    code = (
        "import sys, lambda_src.runtime.accounts.passwords; print({'argon2', 'cffi', '_cffi_backend'} & {*sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
