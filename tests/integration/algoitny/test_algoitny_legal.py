"""The documents people agree to: what holds today, and every version there was."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lambda_src.errors import NotFound
from lambda_src.services.algoitny.legal import service
from lambda_src.services.algoitny.legal.service import EDITIONS, Edition, LegalDocuments


@pytest.mark.parametrize(("document_type", "title"), [("terms", "Terms of use"), ("privacy", "Privacy")])
def test_a_visitor_reads_what_holds_today_without_a_request_to_the_table(new_judge, document_type, title):
    judge = new_judge()
    with judge.counted() as requests:
        shown = judge.ask("GET", f"/api/legal/{document_type}/").json()

    assert requests == {}
    text = shown.pop("content")
    assert text.startswith(f"# {title}\n")
    assert shown == {
        "document_type": document_type, "version": "1.0", "title": title, "effective_date": "2025-10-01",
        "is_active": True,
    }  # fmt: skip


def test_versions_are_listed_and_read(new_judge):
    judge = new_judge()
    listed = judge.ask("GET", "/api/legal/terms/versions").json()

    assert (listed["next_cursor"], listed["has_more"]) == (None, False)
    assert [each["version"] for each in listed["results"]] == ["1.0"]
    assert judge.ask("GET", "/api/legal/terms/versions/1.0/").json() == listed["results"][0]


@pytest.mark.parametrize(
    "path",
    [
        "/api/legal", "/api/legal/cookies", "/api/legal/cookies/versions", "/api/legal/TERMS", "/api/legal/terms%0A",
        "/api/legal/terms/versions/2.0", "/api/legal/terms/versions/1.0%0A", "/api/legal/terms/versions/..%2Fprivacy",
        "/api/legal/..%2Fdocuments%2Fterms", "/api/legal/terms/versions/1",
    ],
)  # fmt: skip
def test_there_is_no_other_document(new_judge, path):
    assert new_judge().ask("GET", path).status_code == 404


def test_the_newest_version_that_holds_already_is_the_active_one():
    editions = tuple(Edition("terms", "1.0", day) for day in ("2025-01-01", "2026-01-01", "2027-01-01"))

    def active(year: int, month: int, day: int) -> str:
        clock = datetime(year, month, day, 23, 59, tzinfo=UTC)
        return LegalDocuments(lambda: clock, editions).current("terms").effective_date

    assert [active(2025, 12, 31), active(2026, 1, 1), active(2030, 1, 1)] == ["2025-01-01", "2026-01-01", "2027-01-01"]
    assert active(2020, 1, 1) == "2025-01-01", "before there were any, the first is what one would agree to"


def test_every_document_has_its_file_and_every_file_its_line():
    folder = Path(service.__file__).parent / "documents"

    assert {f"{each.document_type}-{each.version}.md" for each in EDITIONS} == {each.name for each in folder.iterdir()}
    assert all(date.fromisoformat(each.effective_date) for each in EDITIONS)
    with pytest.raises(NotFound):
        LegalDocuments(lambda: datetime.now(UTC), ()).all_of("terms")
