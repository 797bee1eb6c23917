"""Bodies: what requests may hold, and answers out of models, with the fields that a documented body has and no others.

Answers are plain dictionaries and are not validated again on their way out: 2,500 items would take a second. They have
the fields of the documented body by construction, and a test holds their values against its types.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator


class RequestBody(BaseModel):
    """Fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid")


class ChangeBody(RequestBody):
    """Fields that are absent stay as they are; there has to be one."""

    @model_validator(mode="after")
    def _check_that_something_changes(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("Name at least one field")
        return self


@dataclass(frozen=True, slots=True)
class Shape[M]:
    """Makes the answer of a body's fields from a model's attributes of the same names.

    sources: for fields that are named otherwise in the model: the attribute, or what computes the value from it.
    """

    body: type[BaseModel]
    sources: dict[str, str | Callable[[M], Any]] = field(default_factory=dict)
    _readers: dict[str, Callable[[M], Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = {name: self.sources.get(name, name) for name in self.body.model_fields}
        readers = {name: attrgetter(each) if isinstance(each, str) else each for name, each in given.items()}
        object.__setattr__(self, "_readers", readers)

    def __call__(self, model: M) -> dict[str, Any]:
        return {name: read(model) for name, read in self._readers.items()}
