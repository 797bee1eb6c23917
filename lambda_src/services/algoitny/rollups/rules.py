"""What is added up of a day, user by user, in as many parts as it takes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from heapq import nlargest
from typing import Any, Final, Self

TOP: Final = 50


@dataclass(frozen=True, slots=True)
class Sums:
    """The usage of the users that were looked at. top: maps of user_id, hints and executions, the busiest first."""

    hints: int = 0
    executions: int = 0
    active_users: int = 0
    top: list[Mapping[str, int]] = field(default_factory=list)

    def plus(self, usage: Mapping[int, Mapping[str, int]]) -> Self:
        """With further users, each of whom comes once. usage: by user and action."""
        active = [
            {"user_id": user_id, "hints": counts["hint"], "executions": counts["execution"]}
            for user_id, counts in usage.items()
            if any(counts.values())
        ]
        return type(self)(
            self.hints + sum(each["hints"] for each in active),
            self.executions + sum(each["executions"] for each in active),
            self.active_users + len(active),
            nlargest(TOP, [*self.top, *active], key=lambda each: (activity(each), -each["user_id"])),
        )


def activity(user: Mapping[str, int]) -> int:
    """How busy a user of `top` was."""
    return user["hints"] + user["executions"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollup is, as its task keeps it. after: the position of the last user that was looked at."""

    date: str
    sums: Sums = Sums()
    users: int = 0
    after: Mapping[str, int] | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        return cls(**{**arguments, "sums": Sums(**arguments.get("sums", {}))})

    @property
    def arguments(self) -> dict[str, Any]:
        """About 4 KB of what a task may keep, 8 KB."""
        return asdict(self)
