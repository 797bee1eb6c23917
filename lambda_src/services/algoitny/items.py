"""What AlgoItny stores: its table, the kinds of items in it, and its buckets. What is asked of them is in `tables.py`.

An item has `PK`, `SK`, `tp` (its kind) and `crt`; its other attributes go by the short names that the models state.
"""

from typing import Final

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
    "Content",
    environment_variable="ALGOITNY_CONTENT_BUCKET",
    prefixes=(
        Prefix(RESULTS, {API: ("GetObject", "PutObject", "DeleteObject"), WORKER: ("DeleteObject",)}, days_kept=90),
    ),
)
ARCHIVE_BUCKET: Final = Bucket(
    "Archive",
    environment_variable="ALGOITNY_ARCHIVE_BUCKET",
    prefixes=(Prefix(USAGE_LOGS, {ARCHIVER: ("PutObject",)}, days_kept=730),),
)
BUCKETS: Final = (CONTENT_BUCKET, ARCHIVE_BUCKET)

# ---- users and plans -------------------------------------------------------------------------------------------------

USER: Final = Entity(
    MAIN, users.User, pk="USR#{user_id}", sk="META", constants={"tp": "usr"}, key_only=("user_id",),
    index_keys={
        "GSI1PK": "EMAIL#{email}", "GSI1SK": "USR#{user_id}",
        "GSI2PK": "USERS", "GSI2SK": "USR#{created_at:13}#{user_id}",
    },
    notes="An account; in GSI1 by its address",
)  # fmt: skip
USER_ENTRY: Final = Entity(
    MAIN, users.UserEntry, pk="USR#{user_id}", sk="META", key_only=("user_id", "created_at"),
    index_keys={"GSI2PK": "USERS", "GSI2SK": "USR#{created_at:13}#{user_id}"},
    notes="What GSI2 holds of a user",
)  # fmt: skip
EMAIL_GUARD: Final = Entity(
    MAIN, users.EmailGuard, pk="UNIQ#EMAIL#{email}", sk="UNIQ", constants={"tp": "uniq"}, key_only=("email",),
    notes="Whose an address is; written with its user",
)  # fmt: skip
GOOGLE_GUARD: Final = Entity(
    MAIN, users.GoogleGuard, pk="UNIQ#GID#{google_id}", sk="UNIQ", constants={"tp": "uniq"}, key_only=("google_id",),
    index_keys={"GSI1PK": "GID#{google_id}", "GSI1SK": "USR#{user_id}"},
    notes="Whose a Google account is; written with its user, which has its address in GSI1 and so no room for this",
)  # fmt: skip
SIGN_INS: Final = sign_in_patterns(MAIN, users.UserSignIn, pk="RTOK#{signin_id}", sk="TOKEN", asked_by=(API,))
PLAN: Final = Entity(
    MAIN, plans.SubscriptionPlan, pk="PLAN", sk="META#{plan_id}", constants={"tp": "plan"}, key_only=("plan_id",),
    notes="What users may do, and how many are on it",
)  # fmt: skip
PLAN_NAME_GUARD: Final = Entity(
    MAIN, plans.PlanNameGuard, pk="UNIQ#PLAN#{name_key}", sk="UNIQ", constants={"tp": "uniq"}, key_only=("name_key",),
    notes="Which plan has a name, in lower case",
)  # fmt: skip
COUNTER: Final = Entity(
    MAIN, users.Counter, pk="COUNTER#{name}", sk="VALUE", constants={"tp": "counter"}, key_only=("name",),
    notes="The newest id of users or plans that was drawn",
)  # fmt: skip

# ---- problems --------------------------------------------------------------------------------------------------------

_PROBLEM_KEYS: Final = ("platform", "problem_id")

PROBLEM: Final = Entity(
    MAIN, problems.Problem, pk="PROB#{platform}#{problem_id}", sk="META", constants={"tp": "prob"},
    key_only=_PROBLEM_KEYS,
    index_keys={
        "GSI1PK": "PROB#{state}", "GSI1SK": "{created_at:13}#{platform}#{problem_id}",
        "GSI2PK": SparseKey("PROB#REVIEW", lambda problem: problem.is_under_review),
        "GSI2SK": SparseKey("{created_at:13}#{platform}#{problem_id}", lambda problem: problem.is_under_review),
    },
    notes="A problem; in GSI1 by its state, in GSI2 while it needs a review",
)  # fmt: skip
PROBLEM_BODY: Final = Entity(
    MAIN, problems.ProblemBody, pk="PROB#{platform}#{problem_id}", sk="BODY", constants={"tp": "probb"},
    key_only=_PROBLEM_KEYS, notes="What is long of a problem; in no index",
)  # fmt: skip
PROBLEM_STATS: Final = Entity(
    MAIN, problems.ProblemStats, pk="PROB#{platform}#{problem_id}", sk="STATS", constants={"tp": "pstat"},
    key_only=_PROBLEM_KEYS, notes="How often a problem was run",
)  # fmt: skip
TEST_CASE: Final = Entity(
    MAIN, problems.TestCase, pk="PROB#{platform}#{problem_id}", sk="TC#{sort_id}", constants={"tp": "tc"},
    key_only=(*_PROBLEM_KEYS, "sort_id"), notes="A test case, in the order of numbers and then of names",
)  # fmt: skip

# ---- histories -------------------------------------------------------------------------------------------------------

HISTORY: Final = Entity(
    MAIN, histories.History, pk="HIST#{history_id}", sk="META", constants={"tp": "hist"},
    key_only=("history_id", "timeline"),
    index_keys={
        "GSI1PK": SparseKey("USR#{user_id}", lambda run: run.user_id is not None),
        "GSI1SK": SparseKey("HIST#{created_at:13}#{history_id}", lambda run: run.user_id is not None),
        "GSI2PK": "{timeline}",
        "GSI2SK": SparseKey("HIST#{created_at:13}#{history_id}", lambda run: run.timeline is not None),
    },
    notes="A run; in GSI1 for its user, in GSI2 while it is public",
)  # fmt: skip
TIMELINE_ENTRY: Final = Entity(
    MAIN, histories.TimelineEntry, pk="HIST#{history_id}", sk="META", key_only=("history_id", "created_at", "timeline"),
    index_keys={"GSI2PK": "{timeline}", "GSI2SK": "HIST#{created_at:13}#{history_id}"},
    notes="What GSI2 holds of a public run: in `PUBLIC`, or spread over `PUBLIC#0`, `PUBLIC#1` and so on",
)  # fmt: skip
HISTORY_BODY: Final = Entity(
    MAIN, histories.HistoryBody, pk="HIST#{history_id}", sk="BODY", constants={"tp": "hbody"}, key_only=("history_id",),
    notes="Code and results of a run; in no index",
)  # fmt: skip
HISTORY_HINT: Final = Entity(
    MAIN, histories.HistoryHint, pk="HIST#{history_id}", sk="HINT", constants={"tp": "hint"}, key_only=("history_id",),
    notes="The hints to a run, or how far they are",
)  # fmt: skip
LANGUAGE_POINTER: Final = Entity(
    MAIN, histories.LanguagePointer, pk="PLNG#{language}#{shard}", sk="HIST#{created_at:13}#{history_id}",
    constants={"tp": "ptr"}, key_only=("language", "shard", "created_at", "history_id"),
    notes="A public run in the list of its language",
)  # fmt: skip
PLATFORM_POINTER: Final = Entity(
    MAIN, histories.PlatformPointer, pk="PPLT#{platform}#{shard}", sk="HIST#{created_at:13}#{history_id}",
    constants={"tp": "ptr"}, key_only=("platform", "shard", "created_at", "history_id"),
    notes="A public run in the list of its platform",
)  # fmt: skip

# ---- usage -----------------------------------------------------------------------------------------------------------

USAGE_LOG: Final = Entity(
    MAIN, usage.UsageLog, pk="USR#{user_id}#ULOG#{date}", sk="ULOG#{created_at:13}#{action}#{suffix}",
    constants={"tp": "ulog"}, key_only=("user_id", "date", "suffix"),
    notes="An accepted action; archived when it expires",
)  # fmt: skip
USAGE_COUNTER: Final = Entity(
    MAIN, usage.UsageCounter, pk="USR#{user_id}#ULOG#{date}", sk="CNT#{action}", constants={"tp": "ucnt"},
    key_only=("user_id", "date", "action"), notes="How many actions of a day were accepted: the only gate there is",
)  # fmt: skip
USAGE_IDEMPOTENCY: Final = Entity(
    MAIN, usage.UsageIdempotency, pk="USR#{user_id}#ULOG#{date}", sk="IDEM#{action}#{key_hash}",
    constants={"tp": "uidem"}, key_only=("user_id", "date", "action", "key_hash"),
    notes="An idempotency key that was used, and what came of it",
)  # fmt: skip
USAGE_ROLLUP: Final = Entity(
    MAIN, usage.UsageRollup, pk="STAT#USAGE#{date}", sk="META", constants={"tp": "roll"}, key_only=("date",),
    notes="The usage of a day, all users together",
)  # fmt: skip

# ---- statistics ------------------------------------------------------------------------------------------------------

USER_STATS: Final = Entity(
    MAIN, statistics.UserStats, pk="USR#{user_id}", sk="STATS", constants={"tp": "stats"}, key_only=("user_id",),
    notes="What a user did, counted by the stream; `ln_<language>` and `pl_<platform>` are counters, too",
)  # fmt: skip
USER_PROBLEM: Final = Entity(
    MAIN, statistics.UserProblem, pk="USR#{user_id}", sk="UPROB#{platform}#{problem_id}", constants={"tp": "uprob"},
    key_only=("user_id", "platform", "problem_id"), notes="That a user ran a problem",
)  # fmt: skip
EVENT_MARKER: Final = Entity(
    MAIN, statistics.EventMarker, pk="EVT#{event_id}", sk="STATS", constants={"tp": "evt"}, key_only=("event_id",),
    notes="That an event of the stream was counted",
)  # fmt: skip
PUBLIC_HOUR: Final = Entity(
    MAIN, statistics.PublicHour, pk="STAT#PUB#{date}", sk="H#{hour}#{shard}", constants={"tp": "pubh"},
    key_only=("date", "hour", "shard"), notes="Public runs of an hour",
)  # fmt: skip

# ---- work ------------------------------------------------------------------------------------------------------------

TASK: Final = Entity(
    MAIN, tasks.Task, pk="TASK#{task_id}", sk="META", constants={"tp": "task"}, key_only=("task_id",),
    index_keys={
        "GSI2PK": SparseKey("TASK#OPEN#{open_shard}", lambda task: task.is_open),
        "GSI2SK": SparseKey("{created_at:13}#{task_id}", lambda task: task.is_open),
    },
    notes="Work in the background; in GSI2 until it is done",
)  # fmt: skip
TASK_ENTRY: Final = Entity(
    MAIN, tasks.TaskEntry, pk="TASK#{task_id}", sk="META", key_only=("task_id", "created_at", "open_shard"),
    index_keys={"GSI2PK": "TASK#OPEN#{open_shard}", "GSI2SK": "{created_at:13}#{task_id}"},
    notes="What GSI2 holds of an open task",
)  # fmt: skip
