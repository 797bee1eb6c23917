"""What AlgoItny stores: its table, the kinds of items in it, and its buckets. What is asked of them is in `tables.py`.

An item has `PK`, `SK`, `tp` (its kind) and `crt`; its other attributes go by the short names that the models state.
"""

from collections.abc import Callable, Mapping
from inspect import get_annotations
from typing import Any, Final

from lambda_src.dynamo.schema import Entity, Index, SparseKey, Table
from lambda_src.runtime.accounts.refresh import sign_in_patterns
from lambda_src.runtime.buckets import Bucket, Prefix
from lambda_src.services.algoitny.models import histories, plans, problems, statistics, tasks, usage, users

API: Final = "api"
WORKER: Final = "worker"
STATS: Final = "stats"
ARCHIVER: Final = "archiver"
SUPPORT: Final = "support"  # a person, or a program with credentials of its own; no function

GSI1: Final = Index("GSI1", "GSI1PK", "GSI1SK", projection="ALL")
GSI2: Final = Index("GSI2", "GSI2PK", "GSI2SK", projection="KEYS_ONLY")

MAIN: Final = Table(
    "main", base_name="algoitny_main", environment_variable="ALGOITNY_TABLE_NAME", partition="PK", sort="SK",
    indexes=(GSI1, GSI2), ttl="ttl", stream="NEW_AND_OLD_IMAGES",
)  # fmt: skip
TABLES: Final = (MAIN,)

# ---- objects ---------------------------------------------------------------------------------------------------------

RESULTS: Final = "results"
USAGE_LOGS: Final = "usage-logs"
CONTENT_BUCKET: Final = Bucket(
    "Content", environment_variable="ALGOITNY_CONTENT_BUCKET", prefixes=(
        Prefix(RESULTS, {API: ("GetObject", "PutObject", "DeleteObject"), WORKER: ("DeleteObject",)}, days_kept=90),
    ),
)  # fmt: skip
ARCHIVE_BUCKET: Final = Bucket(
    "Archive", environment_variable="ALGOITNY_ARCHIVE_BUCKET",
    prefixes=(Prefix(USAGE_LOGS, {ARCHIVER: ("PutObject",)}, days_kept=730),),
)  # fmt: skip
BUCKETS: Final = (CONTENT_BUCKET, ARCHIVE_BUCKET)

# ---- kinds of items --------------------------------------------------------------------------------------------------

type _IndexKeys = Mapping[str, str | SparseKey]


def _kind[M](tp: str, model: type[M], pk: str, sk: str, *index_keys: _IndexKeys) -> Entity[M]:
    """A kind of item. What has no short name in its model stands in its keys alone; its notes are what its model is."""
    return Entity(
        MAIN, model, pk=pk, sk=sk, constants={"tp": tp} if tp else None,
        key_only=[name for name, kind in get_annotations(model).items() if not hasattr(kind, "__metadata__")],
        index_keys={name: key for keys in index_keys for name, key in keys.items()},
        notes=(model.__doc__ or "").partition(".")[0],
    )  # fmt: skip


def _in(index: Index, pk: str, sk: str, when: Callable[[Any], bool] | None = None) -> _IndexKeys:
    """The keys of an index. when: of which models it has an entry."""
    keys = zip(index.attributes, (pk, sk), strict=True)
    return {name: text if when is None else SparseKey(text, when) for name, text in keys}


_IN_USERS: Final = _in(GSI2, "USERS", "USR#{created_at:13}#{user_id}")

USER: Final = _kind("usr", users.User, "USR#{user_id}", "META", _in(GSI1, "EMAIL#{email}", "USR#{user_id}"), _IN_USERS)
USER_ENTRY: Final = _kind("", users.UserEntry, "USR#{user_id}", "META", _IN_USERS)
EMAIL_GUARD: Final = _kind("uniq", users.EmailGuard, "UNIQ#EMAIL#{email}", "UNIQ")
GOOGLE_GUARD: Final = _kind(
    "uniq", users.GoogleGuard, "UNIQ#GID#{google_id}", "UNIQ", _in(GSI1, "GID#{google_id}", "USR#{user_id}")
)
SIGN_INS: Final = sign_in_patterns(MAIN, users.UserSignIn, pk="RTOK#{signin_id}", sk="TOKEN", asked_by=(API,))
PLAN: Final = _kind("plan", plans.SubscriptionPlan, "PLAN", "META#{plan_id}")
PLAN_NAME_GUARD: Final = _kind("uniq", plans.PlanNameGuard, "UNIQ#PLAN#{name_key}", "UNIQ")
COUNTER: Final = _kind("counter", users.Counter, "COUNTER#{name}", "VALUE")

_PROBLEM: Final = "PROB#{platform}#{problem_id}"
_BY_TIME: Final = "{created_at:13}#{platform}#{problem_id}"

PROBLEM: Final = _kind(
    "prob", problems.Problem, _PROBLEM, "META", _in(GSI1, "PROB#{state}", _BY_TIME),
    _in(GSI2, "PROB#REVIEW", _BY_TIME, lambda problem: problem.is_under_review),
)  # fmt: skip
PROBLEM_BODY: Final = _kind("probb", problems.ProblemBody, _PROBLEM, "BODY")
PROBLEM_STATS: Final = _kind("pstat", problems.ProblemStats, _PROBLEM, "STATS")
TEST_CASE: Final = _kind("tc", problems.TestCase, _PROBLEM, "TC#{sort_id}")

_RUN: Final = "HIST#{created_at:13}#{history_id}"

HISTORY: Final = _kind(
    "hist", histories.History, "HIST#{history_id}", "META",
    _in(GSI1, "USR#{user_id}", _RUN, lambda run: run.user_id is not None),
    _in(GSI2, "{timeline}", _RUN, lambda run: run.timeline is not None),
)  # fmt: skip
TIMELINE_ENTRY: Final = _kind("", histories.TimelineEntry, "HIST#{history_id}", "META", _in(GSI2, "{timeline}", _RUN))
HISTORY_BODY: Final = _kind("hbody", histories.HistoryBody, "HIST#{history_id}", "BODY")
HISTORY_HINT: Final = _kind("hint", histories.HistoryHint, "HIST#{history_id}", "HINT")
LANGUAGE_POINTER: Final = _kind("ptr", histories.LanguagePointer, "PLNG#{language}#{shard}", _RUN)
PLATFORM_POINTER: Final = _kind("ptr", histories.PlatformPointer, "PPLT#{platform}#{shard}", _RUN)

_DAY: Final = "USR#{user_id}#ULOG#{date}"

USAGE_LOG: Final = _kind("ulog", usage.UsageLog, _DAY, "ULOG#{created_at:13}#{action}#{suffix}")
USAGE_COUNTER: Final = _kind("ucnt", usage.UsageCounter, _DAY, "CNT#{action}")
USAGE_IDEMPOTENCY: Final = _kind("uidem", usage.UsageIdempotency, _DAY, "IDEM#{action}#{key_hash}")
USAGE_ROLLUP: Final = _kind("roll", usage.UsageRollup, "STAT#USAGE#{date}", "META")
USER_STATS: Final = _kind("stats", statistics.UserStats, "USR#{user_id}", "STATS")
USER_PROBLEM: Final = _kind("uprob", statistics.UserProblem, "USR#{user_id}", "UPROB#{platform}#{problem_id}")
EVENT_MARKER: Final = _kind("evt", statistics.EventMarker, "EVT#{event_id}", "STATS")
PUBLIC_HOUR: Final = _kind("pubh", statistics.PublicHour, "STAT#PUB#{date}", "H#{hour}#{shard}")

_OPEN: Final = ("TASK#OPEN#{open_shard}", "{created_at:13}#{task_id}")

TASK: Final = _kind("task", tasks.Task, "TASK#{task_id}", "META", _in(GSI2, *_OPEN, lambda task: task.is_open))
TASK_ENTRY: Final = _kind("", tasks.TaskEntry, "TASK#{task_id}", "META", _in(GSI2, *_OPEN))
