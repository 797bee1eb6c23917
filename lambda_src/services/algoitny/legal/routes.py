"""Routes of the documents people agree to; anybody may read them."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import ListBody
from lambda_src.services.algoitny.legal.service import DocumentBody, LegalDocuments


class DocumentsBody(ListBody):
    results: list[DocumentBody]


router: Final = Router(tags=["legal"])


@router.get("/api/legal/{document_type}", response_model=DocumentBody)
def read_document(legal: Given[LegalDocuments], document_type: str) -> dict[str, Any]:
    """What holds today: `terms` or `privacy`."""
    return legal.current(document_type).model_dump()


@router.get("/api/legal/{document_type}/versions", response_model=DocumentsBody)
def list_versions(legal: Given[LegalDocuments], document_type: str) -> dict[str, Any]:
    """Every version of a document, the newest first, in one page."""
    results = [each.model_dump() for each in legal.all_of(document_type)]
    return {"results": results, "next_cursor": None, "has_more": False}


@router.get("/api/legal/{document_type}/versions/{version}", response_model=DocumentBody)
def read_version(legal: Given[LegalDocuments], document_type: str, version: str) -> dict[str, Any]:
    """One version of a document."""
    return legal.of_version(document_type, version).model_dump()
