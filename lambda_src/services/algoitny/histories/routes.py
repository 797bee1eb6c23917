"""Routes of runs."""

from typing import Annotated, Any, Final, Literal

from fastapi import Header, Query

from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.algoitny import checks
from lambda_src.services.algoitny.bodies import Cursor, Limit, list_body
from lambda_src.services.algoitny.histories import rules
from lambda_src.services.algoitny.histories.rules import Output
from lambda_src.services.algoitny.histories.schemas import (
    HistoryBody,
    HistoryDetailBody,
    HistoryListBody,
    NewRunBody,
    VisibilityBody,
    detail_body,
    history_body,
)
from lambda_src.services.algoitny.histories.service import Histories, RunRecorder, Scope, Submission
from lambda_src.services.algoitny.principals import Member, Visitor
from lambda_src.services.algoitny.usage.service import Repeatable, limit_headers

DEFAULT_LIMIT: Final = 20

type Include = Annotated[Literal["code"] | None, Query(description="`code`: at most 50 runs on a page then")]
type Expand = Annotated[Literal["testcases"] | None, Query(description="`testcases`: with input and expected output")]
type SearchName = Annotated[str | None, Query(description="In any case; one of the two")]
type IdempotencyKey = Annotated[str | None, Header(description="1 to 200 printable characters; good for a day")]

router: Final = Router(tags=["history"])


@router.get("/api/history", response_model=HistoryListBody, response_model_exclude_unset=True)
def list_history(
    histories: Given[Histories],
    caller: Visitor,
    scope: Scope | None = None,
    include: Include = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Runs, newest first: public ones, your own, or both, as by default. A page may be short before the last one."""
    if include:
        page, codes = histories.page_with_code(caller, scope, limit=limit, cursor=cursor)
        return list_body(
            page, [history_body(each, caller) | {"code": codes.get(each.history_id, "")} for each in page.items]
        )
    page = histories.page(caller, scope, limit=limit, cursor=cursor)
    return list_body(page, [history_body(each, caller) for each in page.items])


@router.get("/api/history/search", response_model=HistoryListBody, response_model_exclude_unset=True)
def search_history(
    histories: Given[Histories],
    caller: Visitor,
    language: SearchName = None,
    platform: SearchName = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Public runs in a language, or of the problems of a platform, newest first."""
    page = histories.search(language, platform, limit=limit, cursor=cursor)
    return list_body(page, [history_body(each, caller) for each in page.items])


@router.post("/api/history", status_code=201, response_model=HistoryDetailBody, response_model_exclude_unset=True)
def record_run(
    recorder: Given[RunRecorder], caller: Member, body: NewRunBody, idempotency_key: IdempotencyKey = None
) -> JsonAnswer:
    """Keep a run that was made elsewhere; it counts against the runs of the day. 200 for one that was sent before."""
    outputs = [Output(each.test_case_id, each.output, each.error or "") for each in body.outputs]
    sent = Submission(body.platform, body.problem_id, body.language, body.code, outputs, body.is_code_public)
    kept, consumed = recorder.record(caller, sent, _repeatable(idempotency_key, body))
    return JsonAnswer(detail_body(kept, caller), 201 if consumed.charged else 200, headers=limit_headers(consumed))


@router.get("/api/history/{history_id}", response_model=HistoryDetailBody, response_model_exclude_unset=True)
def read_history(
    histories: Given[Histories], caller: Visitor, history_id: str, expand: Expand = None
) -> dict[str, Any]:
    """A run with code and results: a public one, or one of yours."""
    return detail_body(histories.read(history_id, caller, with_cases=expand is not None), caller)


@router.patch("/api/history/{history_id}", response_model=HistoryBody, response_model_exclude_unset=True)
def publish_history(
    histories: Given[Histories], caller: Member, history_id: str, body: VisibilityBody
) -> dict[str, Any]:
    """Show a run of yours to everybody, or no longer."""
    return history_body(histories.publish(history_id, caller, is_public=body.is_code_public), caller)


@router.delete("/api/history/{history_id}", status_code=204)
def delete_history(histories: Given[Histories], caller: Member, history_id: str) -> None:
    """Forget a run of yours, for good."""
    histories.delete(history_id, caller)


def _repeatable(key: str | None, body: NewRunBody) -> Repeatable | None:
    if key is None:
        return None
    checks.matching("Idempotency-Key", key, rules.IDEMPOTENCY_KEY)
    return Repeatable("POST /api/history", key, body.model_dump())
