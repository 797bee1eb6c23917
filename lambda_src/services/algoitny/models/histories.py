"""Models of runs: search histories, in the words of the product."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from lambda_src.dynamo.codec import Stored
from lambda_src.services.algoitny.models.stored import CreatedAt, UpdatedAt

type Verdict = Literal["passed", "failed", "error"]
type CaseStatus = Literal["success", "error", "timeout"]
type HintState = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A run without what is long; in GSI1 for its user, in GSI2 while it is public.

    timeline: the partition of the public timeline it stands in, while it is public. user_id: None for
    anonymous runs that were moved in. public_shard: of its last publication.
    """

    history_id: str
    platform: Annotated[str, Stored("plt")]
    problem_number: Annotated[str, Stored("pno")]
    problem_title: Annotated[str, Stored("ptt")]
    language: Annotated[str, Stored("lng")]
    result_summary: Annotated[Verdict, Stored("res")]
    passed_count: Annotated[int, Stored("psc")]
    failed_count: Annotated[int, Stored("fsc")]
    total_count: Annotated[int, Stored("toc")]
    created_at: CreatedAt
    updated_at: UpdatedAt
    user_id: Annotated[int | None, Stored("uid")] = None
    user_identifier: Annotated[str, Stored("uidt")] = ""
    display_name: Annotated[str, Stored("unm")] = ""
    is_code_public: Annotated[bool, Stored("pub")] = False
    public_shard: Annotated[int | None, Stored("shd")] = None
    timeline: str | None = None
    hint_count: Annotated[int, Stored("hnc")] = 0
    task_id: Annotated[str | None, Stored("tid")] = None
    metadata: Annotated[Mapping[str, Any], Stored("met")] = field(default_factory=dict)

    @property
    def is_passed(self) -> bool:
        """Whether it counts as passed; one that could not be run counts as failed."""
        return self.result_summary == "passed"

    @property
    def problem_key(self) -> str:
        return f"{self.platform}#{self.problem_number}"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A public run as the timeline knows it. timeline: the partition it stands in."""

    history_id: str
    created_at: int
    timeline: str


@dataclass(frozen=True, slots=True)
class LanguagePointer:
    """A public run in the list of its language."""

    language: str
    shard: int
    created_at: int
    history_id: str


@dataclass(frozen=True, slots=True)
class PlatformPointer:
    """A public run in the list of its platform."""

    platform: str
    shard: int
    created_at: int
    history_id: str


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test case went. output: cut to 1,024 characters where `output_truncated`."""

    __test__ = False

    test_case_id: str
    passed: bool
    output: str = ""
    error: str = ""
    status: CaseStatus = "success"
    output_truncated: bool = False


def stored_results(results: tuple[TestResult, ...]) -> list[dict[str, Any]]:
    """Results under their short names."""
    return [
        {"tid": r.test_case_id, "out": r.output, "pas": r.passed, "err": r.error, "sts": r.status}
        | ({"trc": True} if r.output_truncated else {})
        for r in results
    ]


def read_results(stored: Any) -> tuple[TestResult, ...]:
    """The inverse of `stored_results`."""
    return tuple(
        TestResult(r["tid"], r["pas"], r.get("out", ""), r.get("err", ""), r["sts"], r.get("trc", False))
        for r in stored
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryBody:
    """What is long of a run. results_s3_key, results_count: of results that are too long to be stored here."""

    history_id: str
    created_at: CreatedAt
    code: Annotated[str, Stored("cod")] = ""
    test_results: Annotated[
        tuple[TestResult, ...], Stored("trs", read=read_results, write=stored_results, omit_default=True)
    ] = ()
    results_s3_key: Annotated[str | None, Stored("trk")] = None
    results_count: Annotated[int | None, Stored("trn")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryHint:
    """The hints to a run, or how far they are. log_pk, log_sk: of the log to be reversed if they fail.

    user_id: None for anonymous runs that were moved in.
    """

    history_id: str
    created_at: CreatedAt
    updated_at: UpdatedAt
    user_id: Annotated[int | None, Stored("uid")] = None
    status: Annotated[HintState, Stored("sts")] = "PENDING"
    task_id: Annotated[str | None, Stored("tid")] = None
    hints: Annotated[tuple[str, ...], Stored("hnt")] = ()
    model: Annotated[str, Stored("mdl")] = ""
    error: Annotated[str, Stored("err")] = ""
    attempts: Annotated[int, Stored("att")] = 0
    log_pk: Annotated[str | None, Stored("lpk")] = None
    log_sk: Annotated[str | None, Stored("lsk")] = None
