"""Routes of runs, and their bodies."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import Header, Query
from pydantic import BaseModel, Field, StrictBool

from lambda_src.runtime.bodies import RequestBody, Shape
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.algoitny import checks
from lambda_src.services.algoitny.bodies import Cursor, Limit, ListBody, Timestamp, list_body, timestamp
from lambda_src.services.algoitny.histories import rules
from lambda_src.services.algoitny.histories.repository import WholeHistory
from lambda_src.services.algoitny.histories.rules import Output
from lambda_src.services.algoitny.histories.service import Histories, RunRecorder, Scope, Submission
from lambda_src.services.algoitny.models.histories import CaseStatus, History, TestResult, Verdict
from lambda_src.services.algoitny.models.problems import TestCase
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.principals import Member, Visitor
from lambda_src.services.algoitny.usage.service import Repeatable, limit_headers

DEFAULT_LIMIT: Final = 20

type Include = Annotated[Literal["code"] | None, Query(description="`code`: at most 50 runs on a page then")]
type Expand = Annotated[Literal["testcases"] | None, Query(description="`testcases`: with input and expected output")]
type SearchName = Annotated[str | None, Query(description="In any case; one of the two")]
type IdempotencyKey = Annotated[str | None, Header(description="1 to 200 printable characters; good for a day")]


class OutputBody(RequestBody):
    """What the program wrote for one test case; `error` where it ended with one."""

    test_case_id: str = Field(min_length=1, max_length=40)
    output: str = Field(description="At most 4 MiB")
    error: str | None = Field(None, description="The first 2,000 characters are kept")


class NewRunBody(RequestBody):
    """A run that was made elsewhere. It is of the test cases that `outputs` names."""

    platform: str = Field(min_length=1, max_length=50)
    problem_id: str = Field(min_length=1, max_length=50)
    language: str = Field(max_length=50, description="python, javascript, cpp or java")
    code: str = Field(min_length=1, description="At most 65,536 bytes")
    outputs: list[OutputBody] = Field(min_length=1, max_length=1000)
    is_code_public: StrictBool = False


class VisibilityBody(RequestBody):
    is_code_public: StrictBool


class RunBody(BaseModel):
    id: str
    display_name: str
    is_owner: bool
    platform: str
    problem_id: str
    problem_title: str
    language: str
    result_summary: Verdict
    passed_count: int
    failed_count: int
    total_count: int
    is_code_public: bool
    has_hints: bool
    created_at: Timestamp


class HistoryBody(RunBody):
    """A run as everybody may see it who may see it at all. `code` is there where it was asked for."""

    code: str | None = None


class HistoryListBody(ListBody):
    results: list[HistoryBody]


class ResultBody(BaseModel):
    """How a test case went; from `input` on with `expand=testcases`, texts cut to 1,024 characters."""

    test_case_id: str
    output: str
    output_truncated: bool
    passed: bool
    error: str
    status: CaseStatus
    input: str | None = None
    expected: str | None = None
    input_truncated: bool | None = None
    expected_truncated: bool | None = None
    download_url: str | None = None
    test_case_missing: bool | None = None


class HistoryDetailBody(HistoryBody):
    """A run with all that belongs to it; from `hints` on for who made it and for administrators only."""

    code: str
    test_results: list[ResultBody]
    test_results_expired: bool = Field(description="The results are no longer kept")
    hints: list[str] | None = None
    task_id: str | None = None
    metadata: dict[str, Any] | None = None
    user_email: str | None = None


_SHAPE: Final = Shape[History](
    RunBody,
    {
        "id": "history_id",
        "is_owner": lambda _: False,
        "problem_id": "problem_number",
        "has_hints": lambda run: run.hint_count > 0,
        "created_at": lambda run: timestamp(run.created_at),
    },
)


def history_body(run: History, caller: Principal | None) -> dict[str, Any]:
    """A run without its code."""
    return _SHAPE(run) | {"is_owner": caller is not None and caller.user_id == run.user_id}


def detail_body(whole: WholeHistory, caller: Principal | None) -> dict[str, Any]:
    """A run with what this caller may see of it."""
    run = whole.history
    shown = history_body(run, caller) | {
        "code": whole.code,
        "test_results": [_result_body(each, whole.cases) for each in whole.results or ()],
        "test_results_expired": whole.results is None,
    }
    if not rules.is_own(run, caller):
        return shown
    return shown | {
        "hints": [] if whole.hint is None else list(whole.hint.hints),
        "task_id": run.task_id,
        "metadata": dict(run.metadata),
        "user_email": run.user_identifier or None,
    }


def _result_body(result: TestResult, cases: Mapping[str, TestCase] | None) -> dict[str, Any]:
    shown = asdict(result)
    if cases is None:
        return shown
    case = cases.get(result.test_case_id)
    for name, text in (("input", case.input), ("expected", case.output)) if case else (("input", ""), ("expected", "")):
        shown[name], shown[f"{name}_truncated"] = rules.cut(text)
    return shown | {"download_url": None, "test_case_missing": case is None}


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
