"""What AlgoItny asks of its table, as data that runs; what is stored there is in `items.py`.

Reads are carried out from here; the functions' rights and `TABLES.md` are computed from here. Conditions of writes
stand with their code in the repositories. Each pattern says its name and its question, the kinds of items that it reads
or writes, and who asks it.
"""

from functools import partial
from typing import Any, Final

from lambda_src.dynamo.schema import AccessPattern, Entity, Operation
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.items import API, GSI1, GSI2, STATS, SUPPORT, WORKER

BUCKETS: Final = items.BUCKETS
TABLES: Final = items.TABLES

type _Kinds[M] = Entity[M] | tuple[Entity[Any], ...]


def _read[M = Any](
    operation: Operation, name: str, question: str, reads: _Kinds[M], *asked_by: str, cost: str, **options: Any
) -> AccessPattern[M]:
    return AccessPattern(name, question, operation=operation, reads=reads, asked_by=asked_by, cost=cost, **options)


def _write(
    operation: Operation | tuple[Operation, ...], name: str, question: str, writes: _Kinds[Any], *asked_by: str,
    cost: str, transaction: bool = False,
) -> AccessPattern[Any]:  # fmt: skip
    return AccessPattern(
        name, question, operation=operation, writes=writes, asked_by=asked_by, cost=cost, transaction=transaction
    )


_get = partial(_read, "GetItem", consistent=True, cost="1 request; 1 RRU consistent")
_batch_get = partial(_read, "BatchGetItem")
_query = partial(_read, "Query")
_put = partial(_write, "PutItem")
_update = partial(_write, "UpdateItem")
_transact = partial(_write, transaction=True)

# ---- users -----------------------------------------------------------------------------------------------------------

GET_USER_BY_ID: Final = _get("get_user_by_id", "Which user is this?", items.USER, API, WORKER)
GET_USER_BY_EMAIL: Final = _query(
    "get_user_by_email", "Which user has this address?", items.USER, SUPPORT, index=GSI1,
    cost="1 request; 0.5 RRU; GSI1 lags by up to about a second",
)  # fmt: skip
GET_USER_BY_GOOGLE_ID: Final = _query(
    "get_user_by_google_id", "Which user has this Google account?", items.GOOGLE_GUARD, SUPPORT, index=GSI1,
    cost="1 request; 0.5 RRU, and those of the user; GSI1 lags by up to about a second",
)  # fmt: skip
HOLDER_OF_EMAIL: Final = _get("holder_of_email", "Whose is this address, this instant?", items.EMAIL_GUARD, API)
HOLDER_OF_GOOGLE_ID: Final = _get(
    "holder_of_google_id", "Whose is this Google account, this instant?", items.GOOGLE_GUARD, API
)
LIST_USERS: Final = _query(
    "list_users", "Which users are there, newest first?", items.USER_ENTRY, API, WORKER, index=GSI2, descending=True,
    cost="1 request per page; 0.02 RRU per user; GSI2 lags by up to about a second",
)  # fmt: skip
USERS_OF_PAGE: Final = _batch_get(
    "users_of_page", "Which users are these?", items.USER, API, consistent=True, cost="1 request per 100; 1 RRU each"
)
NEXT_ID: Final = _update("next_id", "Draw the id of a user or plan", items.COUNTER, API, cost="1 request; 1 WRU")
RAISE_ID: Final = _update(
    "raise_id", "Draw no id up to this one any more", items.COUNTER, API, WORKER, cost="1 request; 1 WRU"
)
CREATE_USER: Final = _transact(
    ("PutItem", "UpdateItem"), "create_user",
    "Add a user whose id, address and Google account are free, and count the user in the plan",
    (items.USER, items.EMAIL_GUARD, items.GOOGLE_GUARD, items.PLAN), API,
    cost="1 request; 3 or 4 items of 1 KB, 8 to 11 WRU with the indexes",
)  # fmt: skip
UPDATE_USER: Final = _update(
    "update_user", "Change a user; address, Google account and plan aside", items.USER, API,
    cost="1 request; 2 WRU with the index",
)  # fmt: skip
MOVE_USER: Final = _transact(
    ("UpdateItem", "DeleteItem", "PutItem"), "move_user",
    "Change a user as read with the address or the Google account, whose guards change hands",
    (items.USER, items.EMAIL_GUARD, items.GOOGLE_GUARD), API,
    cost="1 request; 2 to 5 items of 1 KB, 5 to 14 WRU with the indexes",
)  # fmt: skip
UPDATE_SUBSCRIPTION_PLAN: Final = _transact(
    "UpdateItem", "update_subscription_plan", "Give a user as read another plan, and count the user there",
    (items.USER, items.PLAN), API, cost="1 request; 3 items of 1 KB, 7 WRU with the index",
)  # fmt: skip
DELETE_USER: Final = _transact(
    ("DeleteItem", "UpdateItem", "PutItem"), "delete_user",
    "Remove a user as read, free address and Google account, and note what is to be purged",
    (items.USER, items.EMAIL_GUARD, items.GOOGLE_GUARD, items.PLAN, items.TASK), API,
    cost="1 request; 4 or 5 items of 1 KB, 11 to 14 WRU with the indexes",
)  # fmt: skip

ITEMS_OF_USER: Final = _query(
    "items_of_user", "What is there of a user beside the account?", (items.USER_STATS, items.USER_PROBLEM), WORKER,
    consistent=True, cost="1 request per MB; 1 RRU per 4 KB",
)  # fmt: skip
FORGET_USER: Final = _write(
    "BatchWriteItem", "forget_user", "Remove what is left of a user who is gone",
    (items.USER_STATS, items.USER_PROBLEM), WORKER, cost="1 request per 25 items; 1 WRU each",
)  # fmt: skip

# ---- plans -----------------------------------------------------------------------------------------------------------

GET_PLAN: Final = _get("get_plan", "Which plan is this?", items.PLAN, API)
PLAN_OF_NAME: Final = _get("plan_of_name", "Which plan has this name?", items.PLAN_NAME_GUARD, API)
LIST_PLANS: Final = _query(
    "list_plans", "Which plans are there, by their ids?", items.PLAN, API, WORKER, consistent=True,
    cost="1 request; 1 RRU per 4 KB, which about ten plans take",
)  # fmt: skip
CREATE_PLAN: Final = _transact(
    "PutItem", "create_plan", "Add a plan whose id and name are free", (items.PLAN, items.PLAN_NAME_GUARD), API, WORKER,
    cost="1 request; 2 items of 1 KB, 4 WRU",
)  # fmt: skip
UPDATE_PLAN: Final = _update("update_plan", "Change a plan, its name aside", items.PLAN, API, cost="1 request; 1 WRU")
RENAME_PLAN: Final = _transact(
    ("UpdateItem", "DeleteItem", "PutItem"), "rename_plan",
    "Change a plan as read with its name, whose guard changes hands", (items.PLAN, items.PLAN_NAME_GUARD), API,
    cost="1 request; 3 items of 1 KB, 6 WRU",
)  # fmt: skip
DELETE_PLAN: Final = _transact(
    "DeleteItem", "delete_plan", "Remove a plan that nobody is on, and free its name",
    (items.PLAN, items.PLAN_NAME_GUARD), API, cost="1 request; 2 items of 1 KB, 4 WRU",
)  # fmt: skip

# ---- problems --------------------------------------------------------------------------------------------------------

GET_PROBLEM: Final = _get("get_problem", "Which problem is this?", items.PROBLEM, API)
GET_PROBLEM_PARTS: Final = _batch_get(
    "get_problem_parts", "What is there of this problem, test cases aside?",
    (items.PROBLEM, items.PROBLEM_BODY, items.PROBLEM_STATS), SUPPORT, consistent=True,
    cost="1 request; 2 RRU, and 1 per 4 KB of its texts",
)  # fmt: skip
CREATE_PROBLEM: Final = _transact(
    "PutItem", "create_problem", "Keep a new problem", (items.PROBLEM, items.PROBLEM_BODY), SUPPORT,
    cost="1 request; 5 WRU with the index, and 2 per KB of its texts",
)  # fmt: skip
UPDATE_PROBLEM: Final = _update(
    "update_problem", "Change what is light of a problem, and which lists it stands in", items.PROBLEM, SUPPORT,
    cost="1 request; 2 WRU, 1-2 more per list",
)  # fmt: skip
UPDATE_PROBLEM_AND_BODY: Final = _transact(
    "UpdateItem", "update_problem_and_body", "Change what is long of a problem, too",
    (items.PROBLEM, items.PROBLEM_BODY), SUPPORT, cost="1 request; 3 WRU with the index, and 2 per KB of its texts",
)  # fmt: skip
ADD_TESTCASES_BATCH: Final = _transact(
    ("PutItem", "UpdateItem"), "add_testcases_batch", "Add test cases to a problem, and count them",
    (items.TEST_CASE, items.PROBLEM), SUPPORT, cost="1 request; 3 WRU with the index, and 2 per KB of each",
)  # fmt: skip
GET_TESTCASES: Final = _query(
    "get_testcases", "Which test cases has this problem: 1, 2, ... 10, and then those with names?", items.TEST_CASE,
    API, cost="1 request per MB; 0.5 RRU per 4 KB",
)  # fmt: skip
TESTCASES_BY_ID: Final = _batch_get(
    "testcases_by_id", "What are these test cases, and does their problem stand?", (items.PROBLEM, items.TEST_CASE),
    API, cost="1 request per 100; 0.5 RRU per 4 KB of each",
)  # fmt: skip

# ---- histories -------------------------------------------------------------------------------------------------------

_POINTERS: Final = (items.LANGUAGE_POINTER, items.PLATFORM_POINTER)
_public = partial(
    _query, descending=True, cost="1 request and 0.5 RRU per partition and page; an index lags by up to about a second"
)

GET_HISTORY: Final = _get("get_history", "Which run is this?", items.HISTORY, API)
HISTORY_PARTS: Final = _query(
    "history_parts", "What is there of this run?", (items.HISTORY, items.HISTORY_BODY, items.HISTORY_HINT), API, WORKER,
    consistent=True, cost="1 request; 1 RRU per 4 KB, code and results among them",
)  # fmt: skip
HISTORIES_BY_ID: Final = _batch_get(
    "histories_by_id", "What are these runs, and their code where it is shown?", (items.HISTORY, items.HISTORY_BODY),
    API, cost="1 request per 100; 0.5 RRU each, with code 0.5 more per 4 KB",
)  # fmt: skip
LIST_USER_HISTORY: Final = _query(
    "list_user_history", "Which runs has this user, newest first?", items.HISTORY, API, WORKER, index=GSI1,
    descending=True, cost="1 request per page; 0.5 RRU per 4 KB; GSI1 lags by up to about a second",
)  # fmt: skip
LIST_PUBLIC_HISTORY: Final = _public(
    "list_public_history", "Which runs are public, newest first?", items.TIMELINE_ENTRY, API, index=GSI2
)
SEARCH_BY_LANGUAGE: Final = _public(
    "search_by_language", "Which public runs are in this language, newest first?", items.LANGUAGE_POINTER, API
)
SEARCH_BY_PLATFORM: Final = _public(
    "search_by_platform", "Which public runs are of this platform, newest first?", items.PLATFORM_POINTER, API
)
KEEP_HISTORY_BODY: Final = _write(
    ("PutItem", "DeleteItem"), "keep_history_body",
    "Keep code and results of a run before itself, and forget them where it does not come about", items.HISTORY_BODY,
    API, cost="1 request; 1 WRU per KB",
)  # fmt: skip
CREATE_HISTORY: Final = _put(
    "create_history", "Keep a run once", items.HISTORY, SUPPORT, cost="1 request; 2 WRU with GSI1"
)
CREATE_PUBLIC_HISTORY: Final = _transact(
    "PutItem", "create_public_history", "Keep a run once, and list it for everybody", (items.HISTORY, *_POINTERS),
    SUPPORT, cost="1 request; 8 WRU with both indexes",
)  # fmt: skip
UPDATE_HINTS: Final = _transact(
    "UpdateItem", "update_hints", "Give a run its hints", (items.HISTORY, items.HISTORY_HINT), SUPPORT,
    cost="1 request; 5 WRU with GSI1, and 2 per KB of the hints",
)  # fmt: skip
UPDATE_PUBLIC_STATUS: Final = _transact(
    ("UpdateItem", "PutItem", "DeleteItem"), "update_public_status", "Show a run to everybody, or no longer",
    (items.HISTORY, *_POINTERS), API, cost="1 request; 8 WRU with the indexes",
)  # fmt: skip
DELETE_HISTORY: Final = _transact(
    "DeleteItem", "delete_history", "Forget a run with all that belongs to it",
    (items.HISTORY, items.HISTORY_BODY, items.HISTORY_HINT, *_POINTERS), API, WORKER,
    cost="1 request; 3 WRU, 2 per hint and pointer, and 2 per KB of its body",
)  # fmt: skip

# ---- usage -----------------------------------------------------------------------------------------------------------

CONSUME: Final = _transact(
    ("PutItem", "UpdateItem"), "consume", "Charge an action while its limit is not reached, with what comes of it",
    (items.USAGE_IDEMPOTENCY, items.USAGE_COUNTER, items.USAGE_LOG), API,
    cost="1 request; 4 WRU, 2 more with an idempotency key, and what is added",
)  # fmt: skip
GET_DAILY_USAGE_COUNT: Final = _get(
    "get_daily_usage_count", "How many actions of a day count?", items.USAGE_COUNTER, API
)
USE_OF_KEY: Final = _get("use_of_key", "What came of this idempotency key today?", items.USAGE_IDEMPOTENCY, API)
LOG_OF_CHARGE: Final = _get("log_of_charge", "Was this charged, though the answer says nothing?", items.USAGE_LOG, API)
LOG_USAGE: Final = _transact(
    ("PutItem", "UpdateItem"), "log_usage", "Count an action, whatever its limit",
    (items.USAGE_COUNTER, items.USAGE_LOG), SUPPORT, cost="1 request; 4 WRU",
)  # fmt: skip
REVERSE_USAGE: Final = _transact(
    "UpdateItem", "reverse_usage", "Give a charge back, once", (items.USAGE_LOG, items.USAGE_COUNTER), SUPPORT,
    cost="1 request; 4 WRU",
)  # fmt: skip
GET_USAGE_LOGS: Final = _query(
    "get_usage_logs", "What did a user do on a day, newest first?", items.USAGE_LOG, API, descending=True,
    cost="1 request per page; 0.04 RRU per log of 0.3 KB",
)  # fmt: skip
AUDIT_DAY: Final = _query(
    "audit_day", "How many logs of a day count?", items.USAGE_LOG, SUPPORT, consistent=True,
    cost="1 request per MB; 0.08 RRU per log, those that do not count included",
)  # fmt: skip
GET_USAGE_SUMMARY: Final = _batch_get(
    "get_usage_summary", "How many actions of these days count?", items.USAGE_COUNTER, API, consistent=True,
    cost="1 request per 50 days; 1 RRU per counter",
)  # fmt: skip
USAGE_OF_USERS: Final = _batch_get(
    "usage_of_users", "How many actions of a day count of these users?", items.USAGE_COUNTER, API, WORKER,
    consistent=True, cost="1 request per 50 users; 2 RRU each",
)  # fmt: skip
PLAN_USAGE: Final = _batch_get(
    "plan_usage", "What did a user use up of the plan?", (items.USAGE_COUNTER, items.USER_STATS), API, consistent=True,
    cost="1 request; 3 RRU",
)  # fmt: skip
USAGE_OF_DAY: Final = _query(
    "usage_of_day", "Which logs, counters and keys has a user on a day?",
    (items.USAGE_LOG, items.USAGE_COUNTER, items.USAGE_IDEMPOTENCY), WORKER, consistent=True,
    cost="1 request per MB; 1 RRU per 4 KB",
)  # fmt: skip
DELETE_LOGS_BEFORE_DATE: Final = _write(
    "BatchWriteItem", "delete_logs_before_date", "Remove the usage of days",
    (items.USAGE_LOG, items.USAGE_COUNTER, items.USAGE_IDEMPOTENCY), WORKER, cost="1 request per 25 items; 1 WRU each",
)  # fmt: skip

ROLLUP_OF_DAY: Final = _get("rollup_of_day", "Was this day added up?", items.USAGE_ROLLUP, WORKER)
ROLLUPS_OF_DAYS: Final = _batch_get(
    "rollups_of_days", "How much was done on these days?", items.USAGE_ROLLUP, API, cost="1 request; 0.5 RRU each"
)
WRITE_ROLLUP: Final = _put(
    "write_rollup", "Add a day up, or say that it is begun", items.USAGE_ROLLUP, WORKER, cost="1 request; 3 WRU"
)
COMPLETED_PROBLEMS: Final = _query(
    "completed_problems", "How many problems are complete?", items.PROBLEM, WORKER, index=GSI1,
    cost="1 request per MB; 0.06 RRU per problem of 0.5 KB",
)  # fmt: skip

# ---- statistics ------------------------------------------------------------------------------------------------------

GET_STATS: Final = _get("get_stats", "What did this user do?", items.USER_STATS, API)
HAS_RUN: Final = _get("has_run", "Did this user ever run this problem?", items.USER_PROBLEM, API)
USER_AND_STATS: Final = _batch_get(
    "user_and_stats", "Is there this user still, and what was counted before?",
    (items.USER, items.USER_STATS, items.USER_PROBLEM), STATS, consistent=True, cost="1 request; 1 RRU each",
)  # fmt: skip
APPLY_HISTORY_EVENT: Final = _transact(
    ("PutItem", "UpdateItem"), "apply_history_event", "Something happened to a run, or to its hints.",
    (items.EVENT_MARKER, items.USER_STATS, items.USER_PROBLEM, items.PROBLEM_STATS, items.PUBLIC_HOUR), STATS,
    cost="1 request; 2 WRU each",
)  # fmt: skip
PUBLIC_HOURS: Final = _query(
    "public_hours", "How many public runs were made on this date, from this hour on?", items.PUBLIC_HOUR, API,
    from_="hour", cost="1 request; 0.5 RRU per 4 KB",
)  # fmt: skip
PROBLEMS_OF_USER: Final = _query(
    "problems_of_user", "Which problems did this user ever run?", items.USER_PROBLEM, API, consistent=True,
    cost="1 request per page; 1 RRU per 4 KB",
)  # fmt: skip
REBUILD_PROBLEMS: Final = _write(
    "BatchWriteItem", "rebuild_problems", "A user ran problems of which nothing was known.", items.USER_PROBLEM, API,
    cost="1 request per 25; 1 WRU each",
)  # fmt: skip
REBUILD_STATS: Final = _put(
    "rebuild_stats", "What a user did was counted anew.", items.USER_STATS, API, cost="1 request; 1 WRU"
)

# ---- work ------------------------------------------------------------------------------------------------------------

CREATE_TASK: Final = _put(
    "create_task", "There is something to be done.", items.TASK, API, WORKER, cost="1 request; 2 WRU"
)
GET_TASK: Final = _get("get_task", "How far is this task?", items.TASK, API, WORKER)
CLAIM_TASK: Final = _update(
    "claim_task", "A delivery begins to work on a task.", items.TASK, WORKER, cost="1 request; 1 WRU"
)
PROGRESS_TASK: Final = _update("progress_task", "A task goes on later.", items.TASK, WORKER, cost="1 request; 1 WRU")
FINISH_TASK: Final = _update("finish_task", "A task is done.", items.TASK, WORKER, cost="1 request; 2 WRU")
GIVE_UP_TASK: Final = _transact(
    "UpdateItem", "give_up_task", "A task has failed for good, and what it was charged for is given back.",
    (items.TASK, items.USAGE_LOG, items.USAGE_COUNTER), WORKER, cost="1 request; 3 WRU, 7 with a charge",
)  # fmt: skip
REOPEN_TASK: Final = _update(
    "reopen_task", "A task that failed is to be tried again.", items.TASK, API, cost="1 request; 2 WRU"
)
OPEN_TASKS: Final = _query(
    "open_tasks", "Which tasks are not done, oldest first?", items.TASK_ENTRY, WORKER, index=GSI2,
    cost="1 request per shard and page; 0.02 RRU per task; GSI2 lags by up to about a second",
)  # fmt: skip
TASKS_BY_ID: Final = _batch_get(
    "tasks_by_id", "How far are these tasks?", items.TASK, WORKER, consistent=True, cost="1 request per 100; 1 RRU each"
)

# ---- the service itself ----------------------------------------------------------------------------------------------

NEWEST_ID: Final = _get("newest_id", "Which id was drawn last?", items.COUNTER, API)
