"""What reaches the worker's queue: one message per task, which says what is to be done."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lambda_src.runtime.messages import json_object, validated
from lambda_src.services.algoitny.models.tasks import TASK_ID, Task, TaskKind

type MessageType = Literal["user.purge", "usage.rollup"]

TYPES: Final[Mapping[TaskKind, MessageType]] = {"user_purge": "user.purge", "rollup": "usage.rollup"}
"""What messages call the kinds of tasks; a kind without one has no worker yet."""


class TaskMessage(BaseModel):
    """A task is to be worked on. args: the ids it is about, for whoever reads the message; the task says the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    type: MessageType
    task_id: Annotated[str, Field(pattern=f"^{TASK_ID}$")]
    args: dict[str, int | str] = Field(default_factory=dict)

    @classmethod
    def of(cls, task: Task) -> Self:
        """Raises KeyError for a kind without a worker."""
        ids = {name: value for name, value in task.arguments.items() if name.endswith("_id")}
        return cls(type=TYPES[task.kind], task_id=task.task_id, args=ids)

    def text(self) -> str:
        """The message as it travels: compact JSON, about 0.1 KB."""
        return self.model_dump_json()


_adapter = cache(TypeAdapter)  # made when the first message comes: an API only sends them


def parse_message(body: str) -> TaskMessage:
    """The message in a queue record's body. Raises Malformed."""
    message: TaskMessage = validated(_adapter(TaskMessage), json_object(body))
    return message
