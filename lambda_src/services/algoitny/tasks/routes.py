"""Routes of work in the background, and the bodies of their answers."""

from typing import Any, Final

from pydantic import BaseModel

from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import ACCEPTED_SHAPE, AcceptedBody, Timestamp, timestamp
from lambda_src.services.algoitny.models.tasks import Task, TaskKind, TaskState
from lambda_src.services.algoitny.principals import Administrator, Member
from lambda_src.services.algoitny.tasks.service import TaskService


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


def _error(task: Task) -> dict[str, str] | None:
    return None if task.error_code is None else {"code": task.error_code, "message": task.error_message or ""}


_SHAPE: Final = Shape[Task](
    TaskBody,
    {
        "error": _error,
        "created_at": lambda task: timestamp(task.created_at),
        "updated_at": lambda task: timestamp(task.updated_at),
    },
)

router: Final = Router(tags=["tasks"])


@router.get("/api/tasks/{task_id}", response_model=TaskBody)
def read_task(tasks: Given[TaskService], caller: Member, task_id: str) -> dict[str, Any]:
    """How far a task of the caller is; administrators see any."""
    return _SHAPE(tasks.get(task_id, caller))


@router.post("/api/admin/tasks/{task_id}/retry", status_code=202, response_model=AcceptedBody)
def retry_task(tasks: Given[TaskService], caller: Administrator, task_id: str) -> dict[str, Any]:  # noqa: ARG001 -- is asked for
    """Try a task again that failed. Nobody is charged for it."""
    return ACCEPTED_SHAPE(tasks.retry(task_id))
