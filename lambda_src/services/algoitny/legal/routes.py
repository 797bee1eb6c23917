"""Routes of the documents people agree to; anybody may read them."""

from typing import Any, Final

from pydantic import BaseModel, Field

from lambda_src.dynamo.store import Page
from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import ListBody, list_body
from lambda_src.services.algoitny.legal.service import LegalDocument, LegalDocuments


class DocumentBody(BaseModel):
    document_type: str
    version: str
    title: str
    content: str = Field(description="Markdown")
    effective_date: str = Field(description="From when it holds, as ISO date")
    is_active: bool = Field(description="Whether it is the one that holds today")


class DocumentsBody(ListBody):
    results: list[DocumentBody]


_SHAPE: Final = Shape[LegalDocument](DocumentBody)

router: Final = Router(tags=["legal"])


@router.get("/api/legal/{document_type}", response_model=DocumentBody)
def read_document(legal: Given[LegalDocuments], document_type: str) -> dict[str, Any]:
    """What holds today: `terms` or `privacy`."""
    return _SHAPE(legal.current(document_type))


@router.get("/api/legal/{document_type}/versions", response_model=DocumentsBody)
def list_versions(legal: Given[LegalDocuments], document_type: str) -> dict[str, Any]:
    """Every version of a document, the newest first, in one page."""
    page = Page(legal.all_of(document_type), None)
    return list_body(page, [_SHAPE(each) for each in page.items])


@router.get("/api/legal/{document_type}/versions/{version}", response_model=DocumentBody)
def read_version(legal: Given[LegalDocuments], document_type: str, version: str) -> dict[str, Any]:
    """One version of a document."""
    return _SHAPE(legal.of_version(document_type, version))
