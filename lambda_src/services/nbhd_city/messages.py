"""Tasks of the worker: one JSON object each, told apart by `task`."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lambda_src.runtime.messages import json_object, validated


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1

    def text(self) -> str:
        """The task as it travels: compact JSON, about 0.1 KB."""
        return self.model_dump_json(exclude_none=True)


class NbhdTask(_Task):
    """Remove what a deleted neighborhood left behind, or count the members of one."""

    task: Literal["purge_neighborhood", "recount_members"]
    nbhd_id: str = Field(pattern=r"^[0-9a-f-]{36}$")


class TableTask(_Task):
    """Look at all neighborhoods. partition, created_at, nbhd_id: the last one that is done, where it goes on."""

    task: Literal["sweep", "audit", "reshard"]
    partition: str | None = Field(default=None, max_length=32)
    created_at: str | None = Field(default=None, max_length=32)
    nbhd_id: str | None = Field(default=None, max_length=36)


Task = NbhdTask | TableTask

_ADAPTER: Final[TypeAdapter[Task]] = TypeAdapter(Annotated[Task, Field(discriminator="task")])


def parse_task(body: str) -> Task:
    """The task in a queue record's body. Raises Malformed."""
    return validated(_ADAPTER, json_object(body))
