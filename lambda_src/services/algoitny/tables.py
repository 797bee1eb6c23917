"""What AlgoItny asks of its table, as data that runs; what is stored there is in `items.py`.

Reads are carried out from here; the functions' rights and `TABLES.md` are computed from here. Conditions of writes
stand with their code in the repositories.
"""

from functools import partial
from typing import Final

from lambda_src.dynamo.schema import AccessPattern
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.items import API, GSI1, GSI2, WORKER
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.models.users import Counter, User

BUCKETS: Final = items.BUCKETS
TABLES: Final = items.TABLES

_get = partial(AccessPattern, operation="GetItem", consistent=True, cost="1 request; 1 RRU consistent")

# ---- users -----------------------------------------------------------------------------------------------------------

GET_USER_BY_ID: Final[AccessPattern[User]] = _get(
    "get_user_by_id", "Which user is this?", reads=items.USER, asked_by=(API,)
)
GET_USER_BY_EMAIL: Final = AccessPattern(
    "get_user_by_email", "Which user has this address?",
    operation="Query", reads=items.USER, index=GSI1, asked_by=(API,),
    cost="1 request; 0.5 RRU; GSI1 lags by up to about a second",
)  # fmt: skip
LIST_USERS: Final = AccessPattern(
    "list_users", "Which users are there, newest first?",
    operation="Query", reads=items.USER_ENTRY, index=GSI2, descending=True, asked_by=(API,),
    cost="1 request per page; 0.02 RRU per user; GSI2 lags by up to about a second",
)  # fmt: skip

# ---- plans -----------------------------------------------------------------------------------------------------------

# ---- problems --------------------------------------------------------------------------------------------------------

# ---- histories -------------------------------------------------------------------------------------------------------

# ---- usage -----------------------------------------------------------------------------------------------------------

# ---- statistics ------------------------------------------------------------------------------------------------------

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
