"""Models of problems and their test cases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from lambda_src.dynamo.codec import Stored
from lambda_src.services.algoitny.models.stored import CreatedAt, UpdatedAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem without what is long; in GSI1 by its state, in GSI2 while it needs a review.

    test_case_count: of its items, changed in one transaction with them.
    """

    platform: str
    problem_id: str
    title: Annotated[str, Stored("tit")]
    created_at: CreatedAt
    updated_at: UpdatedAt
    problem_url: Annotated[str, Stored("url")] = ""
    tags: Annotated[tuple[str, ...], Stored("tag")] = ()
    language: Annotated[str, Stored("lng")] = ""
    solution_model: Annotated[str, Stored("slm")] = ""
    is_completed: Annotated[bool, Stored("cmp")] = False
    test_case_count: Annotated[int, Stored("tcc")] = 0
    is_deleted: Annotated[bool, Stored("del")] = False
    deleted_at: Annotated[int | None, Stored("ddt")] = None
    deleted_reason: Annotated[str | None, Stored("drs")] = None
    needs_review: Annotated[bool, Stored("nrv")] = False
    review_notes: Annotated[str | None, Stored("rvn")] = None
    verified_by_admin: Annotated[bool, Stored("vrf")] = False
    reviewed_at: Annotated[int | None, Stored("rvt")] = None
    created_by: Annotated[int | None, Stored("cby")] = None

    @property
    def state(self) -> Literal["DELETED", "COMPLETED", "DRAFT"]:
        """Which list it stands in."""
        if self.is_deleted:
            return "DELETED"
        return "COMPLETED" if self.is_completed else "DRAFT"

    @property
    def is_under_review(self) -> bool:
        return self.needs_review and not self.is_deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemBody:
    """What is long of a problem. user_samples: maps of input and output; hints: maps of level and hint."""

    platform: str
    problem_id: str
    created_at: CreatedAt
    updated_at: UpdatedAt
    solution_code: Annotated[str, Stored("sol")] = ""
    constraints: Annotated[str, Stored("con")] = ""
    generator_code: Annotated[str, Stored("gen")] = ""
    user_samples: Annotated[tuple[Mapping[str, Any], ...], Stored("smp")] = ()
    hints: Annotated[tuple[Mapping[str, Any], ...], Stored("hnt")] = ()
    metadata: Annotated[Mapping[str, Any], Stored("met")] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProblemStats:
    """How often a problem was run; counted by the stream."""

    platform: str
    problem_id: str
    execution_count: Annotated[int, Stored("exc")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """A test case, in the order of numbers and then of names.

    sort_id: its id, numbers padded to six digits. input, output: where they are stored inline.
    """

    __test__ = False

    platform: str
    problem_id: str
    sort_id: str
    created_at: CreatedAt
    updated_at: UpdatedAt
    input: Annotated[str, Stored("inp")] = ""
    output: Annotated[str, Stored("out")] = ""
    storage: Annotated[Literal["inline", "s3"], Stored("sto")] = "inline"
    s3_key: Annotated[str | None, Stored("s3k")] = None
    input_bytes: Annotated[int, Stored("isz")] = 0
    output_bytes: Annotated[int, Stored("osz")] = 0
    compressed_bytes: Annotated[int | None, Stored("csz")] = None
    sha256: Annotated[str, Stored("sha")] = ""
    output_state: Annotated[Literal["ready", "missing"], Stored("ost")] = "ready"

    @property
    def testcase_id(self) -> str:
        return self.sort_id.lstrip("0") if self.sort_id.isdigit() else self.sort_id
