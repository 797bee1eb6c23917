"""Models of work in the background."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple

from lambda_src.dynamo.codec import Stored
from lambda_src.services.algoitny.models.stored import CreatedAt, ExpiresAt, UpdatedAt, shard_of

type TaskState = Literal["PENDING", "STARTED", "PROGRESS", "SUCCESS", "FAILURE", "RETRY", "REVOKED"]
type TaskKind = Literal[
    "hint", "problem_hints", "execution", "outputs", "script", "extraction", "user_purge", "problem_purge", "rollup"
]  # fmt: skip

TASK_ID: Final = "[0-9A-HJKMNP-TV-Z]{26}"
"""The shape of a task's id, a ULID."""
OPEN_TASKS: Final[frozenset[str]] = frozenset({"PENDING", "STARTED", "PROGRESS", "RETRY"})
OPEN_TASK_SHARDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work in the background, in GSI2 until it is done.

    arguments, result: ids and counts. lease_until, lease_by: whose delivery works on it.
    """

    task_id: str
    kind: Annotated[TaskKind, Stored("knd")]
    created_at: CreatedAt
    updated_at: UpdatedAt
    expires_at: ExpiresAt
    user_id: Annotated[int | None, Stored("uid")] = None
    status: Annotated[TaskState, Stored("sts")] = "PENDING"
    current: Annotated[int, Stored("cur")] = 0
    total: Annotated[int, Stored("tot")] = 0
    arguments: Annotated[Mapping[str, Any], Stored("arg")] = field(default_factory=dict)
    result: Annotated[Mapping[str, Any], Stored("res")] = field(default_factory=dict)
    error_code: Annotated[str | None, Stored("ecd")] = None
    error_message: Annotated[str | None, Stored("err")] = None
    lease_until: Annotated[int | None, Stored("lea")] = None
    lease_by: Annotated[str | None, Stored("leb")] = None
    attempts: Annotated[int, Stored("att")] = 0
    log_pk: Annotated[str | None, Stored("lpk")] = None
    log_sk: Annotated[str | None, Stored("lsk")] = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_TASKS

    @property
    def open_shard(self) -> int:
        """The partition of the list of open tasks that it stands in."""
        return shard_of(self.task_id, OPEN_TASK_SHARDS)


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """An open task as the list of them knows it."""

    task_id: str
    created_at: int
    open_shard: int


class Done(NamedTuple):
    """A task has come to its end. result: ids and counts, for whoever asked for it."""

    result: Mapping[str, Any]


class Unfinished(NamedTuple):
    """A task that goes on in a message of its own in 0-900 s. arguments: of the task then; current of total: done."""

    arguments: Mapping[str, Any]
    current: int = 0
    total: int = 0
    delay_seconds: int = 0
