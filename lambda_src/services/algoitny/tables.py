"""What AlgoItny asks of its table, as data that runs; what is stored there is in `items.py`.

Reads are carried out from here; the functions' rights and `TABLES.md` are computed from here. Conditions of writes
stand with their code in the repositories.
"""

from functools import partial
from typing import Final

from lambda_src.dynamo.schema import AccessPattern
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.items import API, GSI1, GSI2, STATS, SUPPORT, WORKER
from lambda_src.services.algoitny.models.histories import History
from lambda_src.services.algoitny.models.plans import PlanNameGuard, SubscriptionPlan
from lambda_src.services.algoitny.models.problems import Problem
from lambda_src.services.algoitny.models.statistics import UserProblem, UserStats
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.models.usage import UsageCounter, UsageIdempotency, UsageLog, UsageRollup
from lambda_src.services.algoitny.models.users import Counter, EmailGuard, GoogleGuard, User

BUCKETS: Final = items.BUCKETS
TABLES: Final = items.TABLES

_get = partial(AccessPattern, operation="GetItem", consistent=True, cost="1 request; 1 RRU consistent")

# ---- users -----------------------------------------------------------------------------------------------------------

GET_USER_BY_ID: Final[AccessPattern[User]] = _get(
    "get_user_by_id", "Which user is this?", reads=items.USER, asked_by=(API, WORKER)
)
GET_USER_BY_EMAIL: Final = AccessPattern(
    "get_user_by_email", "Which user has this address?",
    operation="Query", reads=items.USER, index=GSI1, asked_by=(SUPPORT,),
    cost="1 request; 0.5 RRU; GSI1 lags by up to about a second",
)  # fmt: skip
GET_USER_BY_GOOGLE_ID: Final = AccessPattern(
    "get_user_by_google_id", "Which user has this Google account?",
    operation="Query", reads=items.GOOGLE_GUARD, index=GSI1, asked_by=(SUPPORT,),
    cost="1 request; 0.5 RRU, and those of the user; GSI1 lags by up to about a second",
)  # fmt: skip
HOLDER_OF_EMAIL: Final[AccessPattern[EmailGuard]] = _get(
    "holder_of_email", "Whose is this address, this instant?", reads=items.EMAIL_GUARD, asked_by=(API,)
)
HOLDER_OF_GOOGLE_ID: Final[AccessPattern[GoogleGuard]] = _get(
    "holder_of_google_id", "Whose is this Google account, this instant?", reads=items.GOOGLE_GUARD, asked_by=(API,)
)
LIST_USERS: Final = AccessPattern(
    "list_users", "Which users are there, newest first?",
    operation="Query", reads=items.USER_ENTRY, index=GSI2, descending=True, asked_by=(API, WORKER),
    cost="1 request per page; 0.02 RRU per user; GSI2 lags by up to about a second",
)  # fmt: skip
USERS_OF_PAGE: Final = AccessPattern(
    "users_of_page", "Which users are these?",
    operation="BatchGetItem", reads=items.USER, consistent=True, asked_by=(API,),
    cost="1 request per 100; 1 RRU each",
)  # fmt: skip
NEXT_ID: Final = AccessPattern(
    "next_id", "Draw the id of a user or plan",
    operation="UpdateItem", writes=items.COUNTER, asked_by=(API,), cost="1 request; 1 WRU",
)  # fmt: skip
RAISE_ID: Final = AccessPattern(
    "raise_id", "Draw no id up to this one any more",
    operation="UpdateItem", writes=items.COUNTER, asked_by=(API, WORKER), cost="1 request; 1 WRU",
)  # fmt: skip
CREATE_USER: Final = AccessPattern(
    "create_user", "Add a user whose id, address and Google account are free, and count the user in the plan",
    operation=("PutItem", "UpdateItem"), writes=(items.USER, items.EMAIL_GUARD, items.GOOGLE_GUARD, items.PLAN),
    transaction=True, asked_by=(API,), cost="1 request; 3 or 4 items of 1 KB, 8 to 11 WRU with the indexes",
)  # fmt: skip
UPDATE_USER: Final = AccessPattern(
    "update_user", "Change a user; address, Google account and plan aside",
    operation="UpdateItem", writes=items.USER, asked_by=(API,), cost="1 request; 2 WRU with the index",
)  # fmt: skip
MOVE_USER: Final = AccessPattern(
    "move_user", "Change a user as read with the address or the Google account, whose guards change hands",
    operation=("UpdateItem", "DeleteItem", "PutItem"), writes=(items.USER, items.EMAIL_GUARD, items.GOOGLE_GUARD),
    transaction=True, asked_by=(API,), cost="1 request; 2 to 5 items of 1 KB, 5 to 14 WRU with the indexes",
)  # fmt: skip
UPDATE_SUBSCRIPTION_PLAN: Final = AccessPattern(
    "update_subscription_plan", "Give a user as read another plan, and count the user there",
    operation="UpdateItem", writes=(items.USER, items.PLAN), transaction=True, asked_by=(API,),
    cost="1 request; 3 items of 1 KB, 7 WRU with the index",
)  # fmt: skip
DELETE_USER: Final = AccessPattern(
    "delete_user", "Remove a user as read, free address and Google account, and note what is to be purged",
    operation=("DeleteItem", "UpdateItem", "PutItem"),
    writes=(items.USER, items.EMAIL_GUARD, items.GOOGLE_GUARD, items.PLAN, items.TASK),
    transaction=True, asked_by=(API,), cost="1 request; 4 or 5 items of 1 KB, 11 to 14 WRU with the indexes",
)  # fmt: skip

ITEMS_OF_USER: Final = AccessPattern(
    "items_of_user", "What is there of a user beside the account?",
    operation="Query", reads=(items.USER_STATS, items.USER_PROBLEM), consistent=True, asked_by=(WORKER,),
    cost="1 request per MB; 1 RRU per 4 KB",
)  # fmt: skip
FORGET_USER: Final = AccessPattern(
    "forget_user", "Remove what is left of a user who is gone",
    operation="BatchWriteItem", writes=(items.USER_STATS, items.USER_PROBLEM), asked_by=(WORKER,),
    cost="1 request per 25 items; 1 WRU each",
)  # fmt: skip

# ---- plans -----------------------------------------------------------------------------------------------------------

GET_PLAN: Final[AccessPattern[SubscriptionPlan]] = _get(
    "get_plan", "Which plan is this?", reads=items.PLAN, asked_by=(API,)
)
PLAN_OF_NAME: Final[AccessPattern[PlanNameGuard]] = _get(
    "plan_of_name", "Which plan has this name?", reads=items.PLAN_NAME_GUARD, asked_by=(API,)
)
LIST_PLANS: Final = AccessPattern(
    "list_plans", "Which plans are there, by their ids?",
    operation="Query", reads=items.PLAN, consistent=True, asked_by=(API, WORKER),
    cost="1 request; 1 RRU per 4 KB, which about ten plans take",
)  # fmt: skip
CREATE_PLAN: Final = AccessPattern(
    "create_plan", "Add a plan whose id and name are free",
    operation="PutItem", writes=(items.PLAN, items.PLAN_NAME_GUARD), transaction=True, asked_by=(API, WORKER),
    cost="1 request; 2 items of 1 KB, 4 WRU",
)  # fmt: skip
UPDATE_PLAN: Final = AccessPattern(
    "update_plan", "Change a plan, its name aside",
    operation="UpdateItem", writes=items.PLAN, asked_by=(API,), cost="1 request; 1 WRU",
)  # fmt: skip
RENAME_PLAN: Final = AccessPattern(
    "rename_plan", "Change a plan as read with its name, whose guard changes hands",
    operation=("UpdateItem", "DeleteItem", "PutItem"), writes=(items.PLAN, items.PLAN_NAME_GUARD), transaction=True,
    asked_by=(API,), cost="1 request; 3 items of 1 KB, 6 WRU",
)  # fmt: skip
DELETE_PLAN: Final = AccessPattern(
    "delete_plan", "Remove a plan that nobody is on, and free its name",
    operation="DeleteItem", writes=(items.PLAN, items.PLAN_NAME_GUARD), transaction=True, asked_by=(API,),
    cost="1 request; 2 items of 1 KB, 4 WRU",
)  # fmt: skip

# ---- problems --------------------------------------------------------------------------------------------------------

GET_PROBLEM: Final[AccessPattern[Problem]] = _get(
    "get_problem", "Which problem is this?", reads=items.PROBLEM, asked_by=(API,)
)
GET_PROBLEM_PARTS: Final = AccessPattern(
    "get_problem_parts", "What is there of this problem, test cases aside?",
    operation="BatchGetItem", reads=(items.PROBLEM, items.PROBLEM_BODY, items.PROBLEM_STATS), consistent=True,
    asked_by=(SUPPORT,), cost="1 request; 2 RRU, and 1 per 4 KB of its texts",
)  # fmt: skip
CREATE_PROBLEM: Final = AccessPattern(
    "create_problem", "Keep a new problem",
    operation="PutItem", writes=(items.PROBLEM, items.PROBLEM_BODY), transaction=True, asked_by=(SUPPORT,),
    cost="1 request; 5 WRU with the index, and 2 per KB of its texts",
)  # fmt: skip
UPDATE_PROBLEM: Final = AccessPattern(
    "update_problem", "Change what is light of a problem, and which lists it stands in",
    operation="UpdateItem", writes=items.PROBLEM, asked_by=(SUPPORT,), cost="1 request; 2 WRU, 1-2 more per list",
)  # fmt: skip
UPDATE_PROBLEM_AND_BODY: Final = AccessPattern(
    "update_problem_and_body", "Change what is long of a problem, too",
    operation="UpdateItem", writes=(items.PROBLEM, items.PROBLEM_BODY), transaction=True, asked_by=(SUPPORT,),
    cost="1 request; 3 WRU with the index, and 2 per KB of its texts",
)  # fmt: skip
ADD_TESTCASES_BATCH: Final = AccessPattern(
    "add_testcases_batch", "Add test cases to a problem, and count them",
    operation=("PutItem", "UpdateItem"), writes=(items.TEST_CASE, items.PROBLEM), transaction=True,
    asked_by=(SUPPORT,), cost="1 request; 3 WRU with the index, and 2 per KB of each",
)  # fmt: skip
GET_TESTCASES: Final = AccessPattern(
    "get_testcases", "Which test cases has this problem: 1, 2, ... 10, and then those with names?",
    operation="Query", reads=items.TEST_CASE, asked_by=(API,), cost="1 request per MB; 0.5 RRU per 4 KB",
)  # fmt: skip
TESTCASES_BY_ID: Final = AccessPattern(
    "testcases_by_id", "What are these test cases, and does their problem stand?",
    operation="BatchGetItem", reads=(items.PROBLEM, items.TEST_CASE), asked_by=(API,),
    cost="1 request per 100; 0.5 RRU per 4 KB of each",
)  # fmt: skip

# ---- histories -------------------------------------------------------------------------------------------------------

_POINTERS: Final = (items.LANGUAGE_POINTER, items.PLATFORM_POINTER)
_public = partial(
    AccessPattern, operation="Query", descending=True, asked_by=(API,),
    cost="1 request and 0.5 RRU per partition and page; an index lags by up to about a second",
)  # fmt: skip

GET_HISTORY: Final[AccessPattern[History]] = _get(
    "get_history", "Which run is this?", reads=items.HISTORY, asked_by=(API,)
)
HISTORY_PARTS: Final = AccessPattern(
    "history_parts", "What is there of this run?",
    operation="Query", reads=(items.HISTORY, items.HISTORY_BODY, items.HISTORY_HINT), consistent=True,
    asked_by=(API, WORKER), cost="1 request; 1 RRU per 4 KB, code and results among them",
)  # fmt: skip
HISTORIES_BY_ID: Final = AccessPattern(
    "histories_by_id", "What are these runs, and their code where it is shown?",
    operation="BatchGetItem", reads=(items.HISTORY, items.HISTORY_BODY), asked_by=(API,),
    cost="1 request per 100; 0.5 RRU each, with code 0.5 more per 4 KB",
)  # fmt: skip
LIST_USER_HISTORY: Final = AccessPattern(
    "list_user_history", "Which runs has this user, newest first?",
    operation="Query", reads=items.HISTORY, index=GSI1, descending=True, asked_by=(API, WORKER),
    cost="1 request per page; 0.5 RRU per 4 KB; GSI1 lags by up to about a second",
)  # fmt: skip
LIST_PUBLIC_HISTORY: Final = _public(
    "list_public_history", "Which runs are public, newest first?", reads=items.TIMELINE_ENTRY, index=GSI2
)
SEARCH_BY_LANGUAGE: Final = _public(
    "search_by_language", "Which public runs are in this language, newest first?", reads=items.LANGUAGE_POINTER
)
SEARCH_BY_PLATFORM: Final = _public(
    "search_by_platform", "Which public runs are of this platform, newest first?", reads=items.PLATFORM_POINTER
)
KEEP_HISTORY_BODY: Final = AccessPattern(
    "keep_history_body", "Keep code and results of a run before itself, and forget them where it does not come about",
    operation=("PutItem", "DeleteItem"), writes=items.HISTORY_BODY, asked_by=(API,), cost="1 request; 1 WRU per KB",
)  # fmt: skip
CREATE_HISTORY: Final = AccessPattern(
    "create_history", "Keep a run once",
    operation="PutItem", writes=items.HISTORY, asked_by=(SUPPORT,), cost="1 request; 2 WRU with GSI1",
)  # fmt: skip
CREATE_PUBLIC_HISTORY: Final = AccessPattern(
    "create_public_history", "Keep a run once, and list it for everybody",
    operation="PutItem", writes=(items.HISTORY, *_POINTERS), transaction=True, asked_by=(SUPPORT,),
    cost="1 request; 8 WRU with both indexes",
)  # fmt: skip
UPDATE_HINTS: Final = AccessPattern(
    "update_hints", "Give a run its hints",
    operation="UpdateItem", writes=(items.HISTORY, items.HISTORY_HINT), transaction=True, asked_by=(SUPPORT,),
    cost="1 request; 5 WRU with GSI1, and 2 per KB of the hints",
)  # fmt: skip
UPDATE_PUBLIC_STATUS: Final = AccessPattern(
    "update_public_status", "Show a run to everybody, or no longer",
    operation=("UpdateItem", "PutItem", "DeleteItem"), transaction=True, asked_by=(API,),
    writes=(items.HISTORY, *_POINTERS), cost="1 request; 8 WRU with the indexes",
)  # fmt: skip
DELETE_HISTORY: Final = AccessPattern(
    "delete_history", "Forget a run with all that belongs to it",
    operation="DeleteItem", writes=(items.HISTORY, items.HISTORY_BODY, items.HISTORY_HINT, *_POINTERS),
    transaction=True, asked_by=(API, WORKER), cost="1 request; 3 WRU, 2 per hint and pointer, and 2 per KB of its body",
)  # fmt: skip

# ---- usage -----------------------------------------------------------------------------------------------------------

CONSUME: Final = AccessPattern(
    "consume", "Charge an action while its limit is not reached, with what comes of it",
    operation=("PutItem", "UpdateItem"), writes=(items.USAGE_IDEMPOTENCY, items.USAGE_COUNTER, items.USAGE_LOG),
    transaction=True, asked_by=(API,), cost="1 request; 4 WRU, 2 more with an idempotency key, and what is added",
)  # fmt: skip
GET_DAILY_USAGE_COUNT: Final[AccessPattern[UsageCounter]] = _get(
    "get_daily_usage_count", "How many actions of a day count?", reads=items.USAGE_COUNTER, asked_by=(API,)
)
USE_OF_KEY: Final[AccessPattern[UsageIdempotency]] = _get(
    "use_of_key", "What came of this idempotency key today?", reads=items.USAGE_IDEMPOTENCY, asked_by=(API,)
)
LOG_OF_CHARGE: Final[AccessPattern[UsageLog]] = _get(
    "log_of_charge", "Was this charged, though the answer says nothing?", reads=items.USAGE_LOG, asked_by=(API,)
)
LOG_USAGE: Final = AccessPattern(
    "log_usage", "Count an action, whatever its limit",
    operation=("PutItem", "UpdateItem"), writes=(items.USAGE_COUNTER, items.USAGE_LOG), transaction=True,
    asked_by=(SUPPORT,), cost="1 request; 4 WRU",
)  # fmt: skip
REVERSE_USAGE: Final = AccessPattern(
    "reverse_usage", "Give a charge back, once",
    operation="UpdateItem", writes=(items.USAGE_LOG, items.USAGE_COUNTER), transaction=True, asked_by=(SUPPORT,),
    cost="1 request; 4 WRU",
)  # fmt: skip
GET_USAGE_LOGS: Final = AccessPattern(
    "get_usage_logs", "What did a user do on a day, newest first?",
    operation="Query", reads=items.USAGE_LOG, descending=True, asked_by=(API,),
    cost="1 request per page; 0.04 RRU per log of 0.3 KB",
)  # fmt: skip
AUDIT_DAY: Final = AccessPattern(
    "audit_day", "How many logs of a day count?",
    operation="Query", reads=items.USAGE_LOG, consistent=True, asked_by=(SUPPORT,),
    cost="1 request per MB; 0.08 RRU per log, those that do not count included",
)  # fmt: skip
GET_USAGE_SUMMARY: Final = AccessPattern(
    "get_usage_summary", "How many actions of these days count?",
    operation="BatchGetItem", reads=items.USAGE_COUNTER, consistent=True, asked_by=(API,),
    cost="1 request per 50 days; 1 RRU per counter",
)  # fmt: skip
USAGE_OF_USERS: Final = AccessPattern(
    "usage_of_users", "How many actions of a day count of these users?",
    operation="BatchGetItem", reads=items.USAGE_COUNTER, consistent=True, asked_by=(API, WORKER),
    cost="1 request per 50 users; 2 RRU each",
)  # fmt: skip
PLAN_USAGE: Final[AccessPattern[UsageCounter | UserStats]] = AccessPattern(
    "plan_usage", "What did a user use up of the plan?",
    operation="BatchGetItem", reads=(items.USAGE_COUNTER, items.USER_STATS), consistent=True, asked_by=(API,),
    cost="1 request; 3 RRU",
)  # fmt: skip
USAGE_OF_DAY: Final = AccessPattern(
    "usage_of_day", "Which logs, counters and keys has a user on a day?",
    operation="Query", reads=(items.USAGE_LOG, items.USAGE_COUNTER, items.USAGE_IDEMPOTENCY), consistent=True,
    asked_by=(WORKER,), cost="1 request per MB; 1 RRU per 4 KB",
)  # fmt: skip
DELETE_LOGS_BEFORE_DATE: Final = AccessPattern(
    "delete_logs_before_date", "Remove the usage of days",
    operation="BatchWriteItem", writes=(items.USAGE_LOG, items.USAGE_COUNTER, items.USAGE_IDEMPOTENCY),
    asked_by=(WORKER,), cost="1 request per 25 items; 1 WRU each",
)  # fmt: skip

ROLLUP_OF_DAY: Final[AccessPattern[UsageRollup]] = _get(
    "rollup_of_day", "Was this day added up?", reads=items.USAGE_ROLLUP, asked_by=(WORKER,)
)
ROLLUPS_OF_DAYS: Final = AccessPattern(
    "rollups_of_days", "How much was done on these days?",
    operation="BatchGetItem", reads=items.USAGE_ROLLUP, asked_by=(API,), cost="1 request; 0.5 RRU each",
)  # fmt: skip
WRITE_ROLLUP: Final = AccessPattern(
    "write_rollup", "Add a day up, or say that it is begun",
    operation="PutItem", writes=items.USAGE_ROLLUP, asked_by=(WORKER,), cost="1 request; 3 WRU",
)  # fmt: skip
COMPLETED_PROBLEMS: Final = AccessPattern(
    "completed_problems", "How many problems are complete?",
    operation="Query", reads=items.PROBLEM, index=GSI1, asked_by=(WORKER,),
    cost="1 request per MB; 0.06 RRU per problem of 0.5 KB",
)  # fmt: skip

# ---- statistics ------------------------------------------------------------------------------------------------------

GET_STATS: Final[AccessPattern[UserStats]] = _get(
    "get_stats", "What did this user do?", reads=items.USER_STATS, asked_by=(API,)
)
HAS_RUN: Final[AccessPattern[UserProblem]] = _get(
    "has_run", "Did this user ever run this problem?", reads=items.USER_PROBLEM, asked_by=(API,)
)
USER_AND_STATS: Final = AccessPattern(
    "user_and_stats", "Is there this user still, and what was counted before?",
    operation="BatchGetItem", reads=(items.USER, items.USER_STATS, items.USER_PROBLEM), consistent=True,
    asked_by=(STATS,), cost="1 request; 1 RRU each",
)  # fmt: skip
APPLY_HISTORY_EVENT: Final = AccessPattern(
    "apply_history_event", "Something happened to a run, or to its hints.",
    operation=("PutItem", "UpdateItem"), transaction=True,
    writes=(items.EVENT_MARKER, items.USER_STATS, items.USER_PROBLEM, items.PROBLEM_STATS, items.PUBLIC_HOUR),
    asked_by=(STATS,), cost="1 request; 2 WRU each",
)  # fmt: skip
PUBLIC_HOURS: Final = AccessPattern(
    "public_hours", "How many public runs were made on this date, from this hour on?",
    operation="Query", reads=items.PUBLIC_HOUR, from_="hour", asked_by=(API,), cost="1 request; 0.5 RRU per 4 KB",
)  # fmt: skip
PROBLEMS_OF_USER: Final = AccessPattern(
    "problems_of_user", "Which problems did this user ever run?",
    operation="Query", reads=items.USER_PROBLEM, consistent=True, asked_by=(API,),
    cost="1 request per page; 1 RRU per 4 KB",
)  # fmt: skip
REBUILD_PROBLEMS: Final = AccessPattern(
    "rebuild_problems", "A user ran problems of which nothing was known.",
    operation="BatchWriteItem", writes=items.USER_PROBLEM, asked_by=(API,), cost="1 request per 25; 1 WRU each",
)  # fmt: skip
REBUILD_STATS: Final = AccessPattern(
    "rebuild_stats", "What a user did was counted anew.",
    operation="PutItem", writes=items.USER_STATS, asked_by=(API,), cost="1 request; 1 WRU",
)  # fmt: skip

# ---- work ------------------------------------------------------------------------------------------------------------

CREATE_TASK: Final = AccessPattern(
    "create_task", "There is something to be done.",
    operation="PutItem", writes=items.TASK, asked_by=(API, WORKER), cost="1 request; 2 WRU",
)  # fmt: skip
GET_TASK: Final[AccessPattern[Task]] = _get(
    "get_task", "How far is this task?", reads=items.TASK, asked_by=(API, WORKER)
)
CLAIM_TASK: Final = AccessPattern(
    "claim_task", "A delivery begins to work on a task.",
    operation="UpdateItem", writes=items.TASK, asked_by=(WORKER,), cost="1 request; 1 WRU",
)  # fmt: skip
PROGRESS_TASK: Final = AccessPattern(
    "progress_task", "A task goes on later.",
    operation="UpdateItem", writes=items.TASK, asked_by=(WORKER,), cost="1 request; 1 WRU",
)  # fmt: skip
FINISH_TASK: Final = AccessPattern(
    "finish_task", "A task is done.",
    operation="UpdateItem", writes=items.TASK, asked_by=(WORKER,), cost="1 request; 2 WRU",
)  # fmt: skip
GIVE_UP_TASK: Final = AccessPattern(
    "give_up_task", "A task has failed for good, and what it was charged for is given back.",
    operation="UpdateItem", writes=(items.TASK, items.USAGE_LOG, items.USAGE_COUNTER), transaction=True,
    asked_by=(WORKER,), cost="1 request; 3 WRU, 7 with a charge",
)  # fmt: skip
REOPEN_TASK: Final = AccessPattern(
    "reopen_task", "A task that failed is to be tried again.",
    operation="UpdateItem", writes=items.TASK, asked_by=(API,), cost="1 request; 2 WRU",
)  # fmt: skip
OPEN_TASKS: Final = AccessPattern(
    "open_tasks", "Which tasks are not done, oldest first?",
    operation="Query", reads=items.TASK_ENTRY, index=GSI2, asked_by=(WORKER,),
    cost="1 request per shard and page; 0.02 RRU per task; GSI2 lags by up to about a second",
)  # fmt: skip
TASKS_BY_ID: Final[AccessPattern[Task]] = AccessPattern(
    "tasks_by_id", "How far are these tasks?",
    operation="BatchGetItem", reads=items.TASK, consistent=True, asked_by=(WORKER,),
    cost="1 request per 100; 1 RRU each",
)  # fmt: skip

# ---- the service itself ----------------------------------------------------------------------------------------------

NEWEST_ID: Final[AccessPattern[Counter]] = _get(
    "newest_id", "Which id was drawn last?", reads=items.COUNTER, asked_by=(API,)
)
