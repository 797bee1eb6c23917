"""The documents people agree to. They ship with the code, so that what was agreed to is what is shown.

A new version is a further file in `documents/`, and a further line below.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from lambda_src.errors import NotFound
from lambda_src.runtime.clock import Clock

_FOLDER: Final = Path(__file__).parent / "documents"


class Edition(NamedTuple):
    """A version of a document. effective_date: from when it holds, as ISO date."""

    document_type: str
    version: str
    effective_date: str


EDITIONS: Final = (Edition("terms", "1.0", "2025-10-01"), Edition("privacy", "1.0", "2025-10-01"))


@dataclass(frozen=True, slots=True)
class LegalDocument:
    """An edition with its text, which is Markdown. is_active: whether it is the one that holds today."""

    document_type: str
    version: str
    title: str
    content: str
    effective_date: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class LegalDocuments:
    """No method makes a request; all raise NotFound."""

    clock: Clock
    editions: tuple[Edition, ...] = EDITIONS

    def all_of(self, document_type: str) -> list[LegalDocument]:
        """Every version, the newest first."""
        known = sorted((each for each in self.editions if each.document_type == document_type), key=_date, reverse=True)
        if not known:
            raise NotFound
        today = self.clock().date().isoformat()
        holds = next((each for each in known if each.effective_date <= today), known[-1])
        return [_document(each, is_active=each is holds) for each in known]

    def current(self, document_type: str) -> LegalDocument:
        """What holds today; before the first one does, the first."""
        return next(each for each in self.all_of(document_type) if each.is_active)

    def of_version(self, document_type: str, version: str) -> LegalDocument:
        """A version, whether it holds, did or will."""
        found = next((each for each in self.all_of(document_type) if each.version == version), None)
        if found is None:
            raise NotFound
        return found


def _date(edition: Edition) -> str:
    return edition.effective_date


def _document(edition: Edition, *, is_active: bool) -> LegalDocument:
    content = _content(f"{edition.document_type}-{edition.version}.md")
    title = content.partition("\n")[0].removeprefix("# ")
    return LegalDocument(edition.document_type, edition.version, title, content, edition.effective_date, is_active)


@cache
def _content(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
