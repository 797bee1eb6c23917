"""Passwords: who may choose which, how they are kept, and whether one is right.

New hashes are argon2id of the NFC form, so that one typed on another system is the same password. Old ones of any
argon2 parameters go on counting, and are replaced when their owner signs in.

argon2-cffi is imported at first use (50 ms), and is in the bundle of a service that names it in its dependency group.
"""

import hmac
import logging
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from lambda_src.errors import InvalidInput
from lambda_src.signing import KeyRing

if TYPE_CHECKING:
    from argon2 import PasswordHasher

logger = logging.getLogger(__name__)

NO_PASSWORD: Final = "!"  # noqa: S105 -- stored where nobody can sign in
MIN_CHARACTERS: Final = 12
MAX_CHARACTERS: Final = 128
# No longer text comes to 128 characters in NFC, which takes the square of the time for long runs of marks.
_MAX_TYPED_CHARACTERS: Final = 4 * MAX_CHARACTERS


class Cost(NamedTuple):
    """What a hash takes: memory, how often that is gone over, and threads."""

    memory_kib: int
    passes: int
    lanes: int


NEW: Final = Cost(19_456, 2, 1)  # OWASP's minimum, a tenth of RFC_9106's time: https://cheatsheetseries.owasp.org/
#   cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
RFC_9106: Final = Cost(65_536, 3, 4)  # argon2-cffi's own, https://www.rfc-editor.org/rfc/rfc9106#section-4
_MAX: Final = Cost(262_144, 8, 16)  # beyond it a stored hash would take the memory of a function, or seconds


class WeakPassword(InvalidInput):
    code = "weak_password"
    default_detail = "The password is too easy to guess"


class Checked(NamedTuple):
    """is_right: the password is that of the hash. new_hash: what to store in place of it, None where it can stay."""

    is_right: bool
    new_hash: str | None = None


def normalized(password: str) -> str:
    """The form that is counted and hashed. Not NFKC, which makes one password of several."""
    return unicodedata.normalize("NFC", password)


def folded(text: str) -> str:
    """What names and addresses are compared by, whatever their case."""
    return normalized(normalized(text).casefold())


def refuse_weak(password: str, *, username: str, email: str | None = None) -> None:
    """Raises WeakPassword for one that nobody may choose."""
    from lambda_src.runtime.accounts.common_passwords import COMMON_PASSWORDS  # noqa: PLC0415 -- asked for rarely

    if len(password) > _MAX_TYPED_CHARACTERS or not MIN_CHARACTERS <= len(normalized(password)) <= MAX_CHARACTERS:
        raise WeakPassword(f"A password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    if folded(password) in {folded(username), folded(email or "")}:
        raise WeakPassword("The password must be another than the user name and the e-mail address")
    if folded(password) in COMMON_PASSWORDS:
        raise WeakPassword("Too many people have this password")


@dataclass(frozen=True, slots=True)
class Passwords:
    """Makes and checks hashes. kinds: the costs of those that are stored.

    For a name that nobody has, or that cannot sign in, a hash is checked that nothing matches, so that the time tells
    no difference. Which kind, a key decides by the name: one name takes the same time again and again, as real ones do.
    """

    keys: KeyRing
    kinds: tuple[Cost, ...] = (NEW,)

    @staticmethod
    def hash(password: str) -> str:
        """What to store of a password: a PHC string. About 20 ms of CPU, 19 MiB."""
        return _hasher().hash(_bytes(normalized(password)))

    def check(self, password: str, stored: str | None, *, name: str) -> Checked:
        """Whether it is right. stored: None where nobody has the name, which takes as long as a wrong password.

        What is not in NFC takes twice as long, since an old hash may be of what was typed; a right one that is hashed
        anew, once more. Whatever is stored, nothing is raised for it.
        """
        from argon2.exceptions import VerificationError  # noqa: PLC0415 -- as above

        forms = tuple(dict.fromkeys((password, normalized(password))))
        try:
            right = _matching(stored or NO_PASSWORD, forms)
        except (VerificationError, ValueError):
            if stored not in {None, NO_PASSWORD}:
                logger.warning("password hash cannot be read", extra={"characters": len(stored or "")})
            _matching(self._matching_nothing(name), forms)
            return Checked(is_right=False)
        if right is None or stored is None:
            return Checked(is_right=False)
        is_current = right == forms[-1] and not _hasher().check_needs_rehash(stored)
        return Checked(is_right=True, new_hash=None if is_current else self.hash(password))

    def _matching_nothing(self, name: str) -> str:
        """A hash of a kind, with a result of zeros."""
        drawn = hmac.digest(self.keys.current().secret, b"password kind " + _bytes(name), "sha256")
        cost = self.kinds[int.from_bytes(drawn) % len(self.kinds)]
        return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${'A' * 22}${'A' * 43}"


def _matching(stored: str, forms: tuple[str, ...]) -> str | None:
    """The form that a hash is of. Raises argon2-cffi's VerificationError, and ValueError, for what is no hash."""
    from argon2 import extract_parameters  # noqa: PLC0415 -- as above
    from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415

    found = extract_parameters(stored)
    cost = Cost(found.memory_cost, found.time_cost, found.parallelism)
    if any(each > most for each, most in zip(cost, _MAX, strict=True)):
        raise ValueError("a hash that costs too much")
    for form in forms:
        try:
            _hasher().verify(stored, _bytes(form))
        except VerifyMismatchError:
            continue
        return form
    return None


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # noqa: PLC0415 -- as above

    return PasswordHasher(memory_cost=NEW.memory_kib, time_cost=NEW.passes, parallelism=NEW.lanes)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a character in JSON is a wrong password, and no error
