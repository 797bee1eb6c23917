"""What AlgoItny asks of its table, as data that runs; what is stored there is in `items.py`.

Reads are carried out from here; the functions' rights and `TABLES.md` are computed from here. Conditions of writes
stand with their code in the repositories.
"""

from functools import partial
from typing import Final

from lambda_src.dynamo.schema import AccessPattern
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.items import API, GSI1, GSI2
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

# ---- the service itself ----------------------------------------------------------------------------------------------

NEWEST_ID: Final[AccessPattern[Counter]] = _get(
    "newest_id", "Which id was drawn last?", reads=items.COUNTER, asked_by=(API,)
)
