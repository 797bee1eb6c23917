"""What is to be counted of runs, counted by hand beside the product."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from lambda_src.services.algoitny.models.histories import History

_KEYS = {"PK", "SK", "tp"}


class Expected:
    """Totals of everything that ever happened to runs; `add` each once, as it is in the end."""

    def __init__(self) -> None:
        self.users: dict[int, Counter[str]] = defaultdict(Counter)
        self.problems: Counter[tuple[str, str]] = Counter()
        self.hours: Counter[str] = Counter()
        self.ever_run: dict[int, set[tuple[str, str]]] = defaultdict(set)

    def add(self, run: History, *, is_there: bool) -> None:
        self.problems[run.platform, run.problem_number] += 1
        if is_there and run.is_code_public:
            hour = run.created_at // 3_600_000 % 24
            self.hours[f"H#{hour:02}#{run.public_shard}"] += 1
        if run.user_id is None:
            return
        verdict = "psd" if run.result_summary == "passed" else "fld"
        mine = self.users[run.user_id]
        mine.update({"tot": 1, "hct": int(is_there), verdict: 1, f"ln_{run.language}": 1, f"pl_{run.platform}": 1})
        mine["lut"] = max(mine["lut"], run.created_at)
        self.ever_run[run.user_id].add((run.platform, run.problem_number))
        mine["uqc"] = len(self.ever_run[run.user_id])

    def faults(self, items: Iterable[Mapping[str, Any]]) -> list[str]:
        """Where the items of a table say something else, in words."""
        of: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for item in items:
            of[item["tp"]].append(item)
        stats = {
            int(item["PK"].removeprefix("USR#")): {name: n for name, n in item.items() if name not in _KEYS and n}
            for item in of["stats"]
        }
        users = {user: {name: n for name, n in mine.items() if n} for user, mine in self.users.items()}
        problems = {tuple(item["PK"].split("#")[1:]): item["exc"] for item in of["pstat"]}
        hours = {item["SK"]: item["val"] for item in of["pubh"] if item["val"]}
        ever_run = {(item["PK"], item["SK"]) for item in of["uprob"]}
        wanted = {
            (f"USR#{user}", f"UPROB#{platform}#{problem}")
            for user, each in self.ever_run.items()
            for platform, problem in each
        }
        claims = {
            f"users have {stats}, not {users}": stats == users,
            f"problems have {problems}, not {dict(self.problems)}": problems == self.problems,
            f"hours have {hours}, not {dict(self.hours)}": hours == {name: n for name, n in self.hours.items() if n},
            f"first runs are {ever_run ^ wanted}": ever_run == wanted,
        }
        return [fault for fault, is_well in claims.items() if not is_well]
