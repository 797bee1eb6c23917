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


def _kind[M](tp: str, model: type[M], pk: str, sk: str, notes: str, *index_keys: _IndexKeys) -> Entity[M]:
    """A kind of item. What has no short name in its model stands in its keys alone."""
    return Entity(
        MAIN, model, pk=pk, sk=sk, constants={"tp": tp} if tp else None, notes=notes,
        key_only=[name for name, kind in get_annotations(model).items() if not hasattr(kind, "__metadata__")],
        index_keys={name: key for keys in index_keys for name, key in keys.items()},
    )  # fmt: skip


def _in(index: Index, pk: str, sk: str, when: Callable[[Any], bool] | None = None) -> _IndexKeys:
    """The keys of an index. when: of which models it has an entry."""
    keys = zip(index.attributes, (pk, sk), strict=True)
    return {name: text if when is None else SparseKey(text, when) for name, text in keys}


# ---- users and plans -------------------------------------------------------------------------------------------------

USER: Final = _kind(
    "usr", users.User, "USR#{user_id}", "META", "An account; in GSI1 by its address",
    _in(GSI1, "EMAIL#{email}", "USR#{user_id}"), _in(GSI2, "USERS", "USR#{created_at:13}#{user_id}"),
)  # fmt: skip
USER_ENTRY: Final = _kind(
    "", users.UserEntry, "USR#{user_id}", "META", "What GSI2 holds of a user",
    _in(GSI2, "USERS", "USR#{created_at:13}#{user_id}"),
)  # fmt: skip
EMAIL_GUARD: Final = _kind(
    "uniq", users.EmailGuard, "UNIQ#EMAIL#{email}", "UNIQ", "Whose an address is; written with its user"
)
GOOGLE_GUARD: Final = _kind(
    "uniq", users.GoogleGuard, "UNIQ#GID#{google_id}", "UNIQ",
    "Whose a Google account is; written with its user, which has its address in GSI1 and so no room for this",
    _in(GSI1, "GID#{google_id}", "USR#{user_id}"),
)  # fmt: skip
SIGN_INS: Final = sign_in_patterns(MAIN, users.UserSignIn, pk="RTOK#{signin_id}", sk="TOKEN", asked_by=(API,))
PLAN: Final = _kind(
    "plan", plans.SubscriptionPlan, "PLAN", "META#{plan_id}", "What users may do, and how many are on it"
)
PLAN_NAME_GUARD: Final = _kind(
    "uniq", plans.PlanNameGuard, "UNIQ#PLAN#{name_key}", "UNIQ", "Which plan has a name, in lower case"
)
COUNTER: Final = _kind(
    "counter", users.Counter, "COUNTER#{name}", "VALUE", "The newest id of users or plans that was drawn"
)

# ---- problems and histories ------------------------------------------------------------------------------------------

PROBLEM: Final = _kind(
    "prob", problems.Problem, "PROB#{platform}#{problem_id}", "META",
    "A problem; in GSI1 by its state, in GSI2 while it needs a review",
    _in(GSI1, "PROB#{state}", "{created_at:13}#{platform}#{problem_id}"),
    _in(GSI2, "PROB#REVIEW", "{created_at:13}#{platform}#{problem_id}", lambda problem: problem.is_under_review),
)  # fmt: skip
PROBLEM_BODY: Final = _kind(
    "probb", problems.ProblemBody, "PROB#{platform}#{problem_id}", "BODY", "What is long of a problem; in no index"
)
PROBLEM_STATS: Final = _kind(
    "pstat", problems.ProblemStats, "PROB#{platform}#{problem_id}", "STATS", "How often a problem was run"
)
TEST_CASE: Final = _kind(
    "tc", problems.TestCase, "PROB#{platform}#{problem_id}", "TC#{sort_id}",
    "A test case, in the order of numbers and then of names",
)  # fmt: skip
HISTORY: Final = _kind(
    "hist", histories.History, "HIST#{history_id}", "META",
    "A run; in GSI1 for its user, in GSI2 while it is public",
    _in(GSI1, "USR#{user_id}", "HIST#{created_at:13}#{history_id}", lambda run: run.user_id is not None),
    _in(GSI2, "{timeline}", "HIST#{created_at:13}#{history_id}", lambda run: run.timeline is not None),
)  # fmt: skip
TIMELINE_ENTRY: Final = _kind(
    "", histories.TimelineEntry, "HIST#{history_id}", "META",
    "What GSI2 holds of a public run: in `PUBLIC`, or spread over `PUBLIC#0`, `PUBLIC#1` and so on",
    _in(GSI2, "{timeline}", "HIST#{created_at:13}#{history_id}"),
)  # fmt: skip
HISTORY_BODY: Final = _kind(
    "hbody", histories.HistoryBody, "HIST#{history_id}", "BODY", "Code and results of a run; in no index"
)
HISTORY_HINT: Final = _kind(
    "hint", histories.HistoryHint, "HIST#{history_id}", "HINT", "The hints to a run, or how far they are"
)
LANGUAGE_POINTER: Final = _kind(
    "ptr", histories.LanguagePointer, "PLNG#{language}#{shard}", "HIST#{created_at:13}#{history_id}",
    "A public run in the list of its language",
)  # fmt: skip
PLATFORM_POINTER: Final = _kind(
    "ptr", histories.PlatformPointer, "PPLT#{platform}#{shard}", "HIST#{created_at:13}#{history_id}",
    "A public run in the list of its platform",
)  # fmt: skip

# ---- usage, statistics and work --------------------------------------------------------------------------------------

_USAGE_OF_DAY: Final = "USR#{user_id}#ULOG#{date}"

USAGE_LOG: Final = _kind(
    "ulog", usage.UsageLog, _USAGE_OF_DAY, "ULOG#{created_at:13}#{action}#{suffix}",
    "An accepted action; archived when it expires",
)  # fmt: skip
USAGE_COUNTER: Final = _kind(
    "ucnt", usage.UsageCounter, _USAGE_OF_DAY, "CNT#{action}",
    "How many actions of a day were accepted: the only gate there is",
)  # fmt: skip
USAGE_IDEMPOTENCY: Final = _kind(
    "uidem", usage.UsageIdempotency, _USAGE_OF_DAY, "IDEM#{action}#{key_hash}",
    "An idempotency key that was used, and what came of it",
)  # fmt: skip
USAGE_ROLLUP: Final = _kind(
    "roll", usage.UsageRollup, "STAT#USAGE#{date}", "META", "The usage of a day, all users together"
)
USER_STATS: Final = _kind(
    "stats", statistics.UserStats, "USR#{user_id}", "STATS",
    "What a user did, counted by the stream; `ln_<language>` and `pl_<platform>` are counters, too",
)  # fmt: skip
USER_PROBLEM: Final = _kind(
    "uprob", statistics.UserProblem, "USR#{user_id}", "UPROB#{platform}#{problem_id}", "That a user ran a problem"
)
EVENT_MARKER: Final = _kind(
    "evt", statistics.EventMarker, "EVT#{event_id}", "STATS", "That an event of the stream was counted"
)
PUBLIC_HOUR: Final = _kind(
    "pubh", statistics.PublicHour, "STAT#PUB#{date}", "H#{hour}#{shard}", "Public runs of an hour"
)
TASK: Final = _kind(
    "task", tasks.Task, "TASK#{task_id}", "META", "Work in the background; in GSI2 until it is done",
    _in(GSI2, "TASK#OPEN#{open_shard}", "{created_at:13}#{task_id}", lambda task: task.is_open),
)  # fmt: skip
TASK_ENTRY: Final = _kind(
    "", tasks.TaskEntry, "TASK#{task_id}", "META", "What GSI2 holds of an open task",
    _in(GSI2, "TASK#OPEN#{open_shard}", "{created_at:13}#{task_id}"),
)  # fmt: skip
