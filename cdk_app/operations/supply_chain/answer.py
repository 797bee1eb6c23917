"""What an audit was told about one lock, and what that makes of the run.

A tool that could not ask prints the same "no known vulnerabilities" as one that asked about everything. So an answer
counts only when two things hold: every package of the lock is in it, and the control is called vulnerable. The control
is an abandoned package with a published advisory that no lock of ours names; it is asked about in the same run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CLEAN: Final = 0
VULNERABLE: Final = 1
COULD_NOT_LOOK: Final = 2


class CouldNotLook(Exception):
    """The vulnerability service was not reached, or did not answer the question."""


@dataclass(frozen=True, slots=True, order=True)
class Advisory:
    """One published vulnerability of a locked package. ids: all its names, `GHSA-...`, `CVE-...`, `PYSEC-...`."""

    package: str
    version: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said of a lock: how many packages it holds, and what is known against them."""

    lock: str
    packages: int
    advisories: tuple[Advisory, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """A lock that nobody could be asked about."""

    lock: str
    reason: str


def checked(
    lock: str, *, asked: Iterable[str], answered: Iterable[str], found: Iterable[Advisory], control: str
) -> Answer:
    """The answer without the control. Raises CouldNotLook when a package is missing in it, or the control was passed.

    asked, answered: package names in one spelling, the control included.
    """
    wanted, found = set(asked), tuple(found)
    if not wanted - {control}:
        raise CouldNotLook("the lock names no package")
    if missing := sorted(wanted - set(answered)):
        raise CouldNotLook(f"no answer about {len(missing)} of {len(wanted)} packages: {', '.join(missing[:5])}")
    if control not in {advisory.package for advisory in found}:
        raise CouldNotLook(f"the service knows nothing against {control}, so its silence about others means nothing")
    others = sorted(advisory for advisory in found if advisory.package != control)
    return Answer(lock, len(wanted - {control}), tuple(others))


def exit_code(results: Iterable[Answer | Silence], accepted: Iterable[str]) -> int:
    """2 when any lock stayed unasked, else 1 when any advisory is not accepted, else 0."""
    results = tuple(results)
    if not results or any(isinstance(result, Silence) for result in results):
        return COULD_NOT_LOOK
    return VULNERABLE if any(unaccepted(result, accepted) for result in results) else CLEAN


def unaccepted(result: Answer | Silence, accepted: Iterable[str]) -> list[Advisory]:
    """Advisories of an answer that none of these ids names."""
    names = set(accepted)
    return [] if isinstance(result, Silence) else [a for a in result.advisories if not names & set(a.ids)]
