"""What is added up of a day, user by user, in as many parts as it takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, Final, Self

TOP: Final = 50


@dataclass(frozen=True, slots=True)
class Sums:
    """The usage of the users that were looked at. top: maps of user_id, hints and executions, the busiest first."""

    hints: int = 0
    executions: int = 0
    active_users: int = 0
    top: tuple[Mapping[str, int], ...] = ()

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
            tuple(nlargest(TOP, [*self.top, *active], key=lambda each: (activity(each), -each["user_id"]))),
        )


def activity(user: Mapping[str, int]) -> int:
    """How busy a user of `top` was."""
    return user["hints"] + user["executions"]


def busiest(tops: Iterable[Iterable[Mapping[str, int]]]) -> dict[int, int]:
    """How busy the users were who are in any of these lists, the busiest first."""
    total: dict[int, int] = {}
    for top in tops:
        for user in top:
            total[user["user_id"]] = total.get(user["user_id"], 0) + activity(user)
    return dict(sorted(total.items(), key=lambda entry: (-entry[1], entry[0])))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollup is, as its task keeps it. after: the position of the last user that was looked at."""

    date: str
    sums: Sums = Sums()
    users: int = 0
    after: Mapping[str, int] | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        said = arguments.get("sums") or {}
        sums = Sums(**{**said, "top": tuple(said.get("top", ()))})
        return cls(arguments["date"], sums, arguments.get("users", 0), arguments.get("after"))

    @property
    def arguments(self) -> dict[str, Any]:
        """About 4 KB of what a task may keep, 8 KB."""
        sums = self.sums
        return {
            "date": self.date,
            "users": self.users,
            "after": self.after,
            "sums": {
                "hints": sums.hints,
                "executions": sums.executions,
                "active_users": sums.active_users,
                "top": list(sums.top),
            },
        }
