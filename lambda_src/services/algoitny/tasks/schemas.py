"""Bodies of answers about tasks."""

from typing import Any, Final

from pydantic import BaseModel

from lambda_src.runtime.bodies import Shape
from lambda_src.services.algoitny.bodies import Timestamp, timestamp
from lambda_src.services.algoitny.models.tasks import Task, TaskKind, TaskState


class TaskErrorBody(BaseModel):
    code: str
    message: str


class TaskBody(BaseModel):
    task_id: str
    kind: TaskKind
    status: TaskState
    current: int
    total: int
    result: dict[str, Any]
    error: TaskErrorBody | None
    created_at: Timestamp
    updated_at: Timestamp


class AcceptedBody(BaseModel):
    """Work that was taken on."""

    task_id: str
    status: TaskState


def _error(task: Task) -> dict[str, str] | None:
    return None if task.error_code is None else {"code": task.error_code, "message": task.error_message or ""}


TASK_SHAPE: Final = Shape[Task](
    TaskBody,
    {
        "error": _error,
        "created_at": lambda task: timestamp(task.created_at),
        "updated_at": lambda task: timestamp(task.updated_at),
    },
)
ACCEPTED_SHAPE: Final = Shape[Task](AcceptedBody)
