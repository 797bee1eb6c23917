"""The documents people agree to. They ship with the code, so that what was agreed to is what is shown.

A new version is a further file in `documents/`, and a further line below.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, Field

from lambda_src.errors import NotFound
from lambda_src.runtime.clock import Clock


class Edition(NamedTuple):
    """A version of a document. effective_date: from when it holds, as ISO date."""

    document_type: str
    version: str
    effective_date: str


EDITIONS: Final = (Edition("terms", "1.0", "2025-10-01"), Edition("privacy", "1.0", "2025-10-01"))


class DocumentBody(BaseModel):
    document_type: str
    version: str
    title: str
    content: str = Field(description="Markdown")
    effective_date: str = Field(description="From when it holds, as ISO date")
    is_active: bool = Field(description="Whether it is the one that holds today")


@dataclass(frozen=True, slots=True)
class LegalDocuments:
    """No method makes a request; all raise NotFound."""

    clock: Clock
    editions: tuple[Edition, ...] = EDITIONS

    def all_of(self, document_type: str) -> list[DocumentBody]:
        """Every version, the newest first."""
        known = [each for each in self.editions if each.document_type == document_type]
        if not known:
            raise NotFound
        known.sort(key=lambda each: each.effective_date, reverse=True)
        today = self.clock().date().isoformat()
        holds = next((each for each in known if each.effective_date <= today), known[-1])
        return [_document(each, is_active=each is holds) for each in known]

    def current(self, document_type: str) -> DocumentBody:
        """What holds today; before the first one does, the first."""
        return next(each for each in self.all_of(document_type) if each.is_active)

    def of_version(self, document_type: str, version: str) -> DocumentBody:
        """A version, whether it holds, did or will."""
        for each in self.all_of(document_type):
            if each.version == version:
                return each
        raise NotFound


def _document(edition: Edition, *, is_active: bool) -> DocumentBody:
    content = _content(f"{edition.document_type}-{edition.version}.md")
    title = content.partition("\n")[0].removeprefix("# ")
    return DocumentBody(title=title, content=content, is_active=is_active, **edition._asdict())


@cache
def _content(name: str) -> str:
    return (Path(__file__).parent / "documents" / name).read_text(encoding="utf-8")
