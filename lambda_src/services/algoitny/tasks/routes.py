"""Routes of work in the background."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.principals import Administrator, Member
from lambda_src.services.algoitny.tasks.schemas import ACCEPTED_SHAPE, TASK_SHAPE, AcceptedBody, TaskBody
from lambda_src.services.algoitny.tasks.service import TaskService

router: Final = Router(tags=["tasks"])


@router.get("/api/tasks/{task_id}", response_model=TaskBody)
def read_task(tasks: Given[TaskService], caller: Member, task_id: str) -> dict[str, Any]:
    """How far a task of the caller is; administrators see any."""
    return TASK_SHAPE(tasks.get(task_id, caller))


@router.post("/api/admin/tasks/{task_id}/retry", status_code=202, response_model=AcceptedBody)
def retry_task(
    tasks: Given[TaskService],
    caller: Administrator,  # noqa: ARG001 -- is asked for
    task_id: str,
) -> dict[str, Any]:
    """Try a task again that failed. Nobody is charged for it."""
    return ACCEPTED_SHAPE(tasks.retry(task_id))
