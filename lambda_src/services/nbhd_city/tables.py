"""Table design and access patterns of nbhd.city, as data that runs.

Reads are carried out from here; the stack's table, the functions' grants, local and test tables and `TABLES.md` are
computed from here. Transactions are written `T1`..`T5`; their conditions stand with their code in the repositories.
"""

from functools import partial
from typing import Final

from lambda_src.dynamo.conditions import EXISTS, Attr
from lambda_src.dynamo.schema import AccessPattern, CursorFormat, Entity, Index, Table
from lambda_src.services.nbhd_city import models

API: Final = "api"
WORKER: Final = "worker"
SUPPORT: Final = "support"  # a person with a question, no function

GSI1: Final = Index("GSI1", partition="entity_type", sort="created_at", projection="ALL")
GSI2: Final = Index("GSI2", partition="name_lower", sort="SK", projection="KEYS_ONLY")
GSI3: Final = Index("GSI3", partition="user_id", sort="joined_at", projection="ALL")

MAIN: Final = Table(
    "main", base_name="nbhd-city", environment_variable="DYNAMODB_TABLE_NAME", partition="PK", sort="SK",
    indexes=(GSI1, GSI2, GSI3), ttl="expires_at",
)  # fmt: skip
TABLES: Final = (MAIN,)

# ---- items: each stays out of an index by lacking one of its key attributes ------------------------------------------

NEIGHBORHOOD: Final = Entity(
    MAIN, models.Neighborhood, pk="NBHD#{id}", sk="METADATA",
    index_keys={"entity_type": "{entity_type}", "created_at": "{created_at}", "name_lower": "{name_lower}"},
    notes="One community; `neighborhood#00`.. when the list is sharded, `neighborhood_deleting` until it is purged",
)  # fmt: skip
MEMBERSHIP: Final = Entity(
    MAIN, models.Membership, pk="NBHD#{neighborhood_id}", sk="MEMBER#{user_id}",
    index_keys={"user_id": "{user_id}", "joined_at": "{joined_at}"}, constants={"entity_type": "membership"},
    notes="Somebody is in a neighborhood; without `created_at`, which would bring it into GSI1",
)  # fmt: skip
NAME: Final = Entity(
    MAIN, models.NameClaim, pk="NBHDNAME#{name_lower}", sk="NAME",
    constants={"item_type": "nbhd_name"}, key_only=("name_lower",),  # as an attribute it would be in GSI2
    notes="Sentinel item: the neighborhood that has a name",
)  # fmt: skip
PROFILE: Final = Entity(
    MAIN, models.Profile, pk="USER#{user_id}", sk="PROFILE",
    index_keys={"entity_type": "user", "created_at": "{created_at}", "user_id": "{user_id}"},
    notes="What a user told of themselves",
)  # fmt: skip
OAUTH_STATE: Final = Entity(
    MAIN, models.OAuthState, pk="OAUTH#{state_digest}", sk="STATE", key_only=("state_digest",),
    notes="A sign-in under way; used once, leaves by TTL",
)  # fmt: skip
LOGIN_CODE: Final = Entity(
    MAIN, models.LoginCode, pk="LOGIN#{code_digest}", sk="CODE", key_only=("code_digest",),
    notes="A finished sign-in that waits to be picked up; used once, leaves by TTL",
)  # fmt: skip
PROBE: Final = Entity(MAIN, models.Probe, pk="HEALTH", sk="HEALTH", notes="Nobody writes it")

ACTIVE: Final = EXISTS & Attr("status").eq("active")
"""What several writes ask of a neighborhood: it is there, and nobody began to delete it."""

# ---- access patterns: neighborhoods ----------------------------------------------------------------------------------

NEIGHBORHOOD_BY_ID: Final = AccessPattern(
    "neighborhood_by_id", "Which neighborhood is this, one that is being deleted included?",
    operation="GetItem", reads=NEIGHBORHOOD, consistent=True, asked_by=(API, WORKER),
    cost="1 request; 1 RRU per 4 KB, consistent",
)  # fmt: skip
NEIGHBORHOOD_AND_MEMBERSHIP: Final[AccessPattern[models.Neighborhood | models.Membership]] = AccessPattern(
    "neighborhood_and_membership", "Which neighborhood is this, and is this user in it?",
    operation="BatchGetItem", reads=(NEIGHBORHOOD, MEMBERSHIP), consistent=True, asked_by=(API,),
    cost="1 request; 2 RRU consistent",
)  # fmt: skip
NEIGHBORHOODS_NEWEST_FIRST: Final = AccessPattern(
    "neighborhoods_newest_first", "Which neighborhoods are there, newest first?",
    operation="Query", reads=NEIGHBORHOOD, index=GSI1, descending=True, asked_by=(API, WORKER),
    cursor=CursorFormat("nbhds", {"created_at": "c", "id": "i"}),
    cost="1 request per page and shard; 0.1 RRU per neighborhood of 0.8 KB; GSI1 lags by up to about a second",
)  # fmt: skip
HOLDER_OF_NAME: Final = AccessPattern(
    "holder_of_name", "Which neighborhood has this folded name?",
    operation="GetItem", reads=NAME, consistent=True, asked_by=(API,), cost="1 request; 1 RRU consistent",
)  # fmt: skip
NEIGHBORHOODS_BY_IDS: Final = AccessPattern(
    "neighborhoods_by_ids", "Which neighborhoods are these?",
    operation="BatchGetItem", reads=NEIGHBORHOOD, asked_by=(API,), cost="1 request per 100; 0.5 RRU each",
)  # fmt: skip
CREATE_NEIGHBORHOOD: Final = AccessPattern(
    "create_neighborhood", "T1: add a neighborhood whose name is free, its creator inside",
    operation="PutItem", writes=(NAME, NEIGHBORHOOD, MEMBERSHIP), transaction=True, asked_by=(API,),
    cost="1 request; 3 items of 1 KB, about 9 WRU with indexes",
)  # fmt: skip
RENAME_NEIGHBORHOOD: Final = AccessPattern(
    "rename_neighborhood", "T4: move a neighborhood to a name that is free",
    operation=("PutItem", "DeleteItem", "UpdateItem"), writes=(NAME, NEIGHBORHOOD), transaction=True, asked_by=(API,),
    cost="1 request; 3 items, about 9 WRU with indexes",
)  # fmt: skip
DESCRIBE_NEIGHBORHOOD: Final = AccessPattern(
    "describe_neighborhood", "Change what is said of a neighborhood, or how the same name is written",
    operation="UpdateItem", writes=NEIGHBORHOOD, asked_by=(API,), cost="1 request; 2 WRU per KB with the index",
)  # fmt: skip
DELETE_NEIGHBORHOOD: Final = AccessPattern(
    "delete_neighborhood", "T5: take a neighborhood off the list and free its name",
    operation=("DeleteItem", "UpdateItem"), writes=(NAME, NEIGHBORHOOD), transaction=True, asked_by=(API,),
    cost="1 request; 2 items, about 7 WRU with indexes",
)  # fmt: skip
NEIGHBORHOODS_OF_NAME: Final = AccessPattern(
    "neighborhoods_of_name", "Support: which neighborhoods carry this name, whoever holds it?",
    operation="Query", reads=NEIGHBORHOOD, index=GSI2, asked_by=(SUPPORT,), cost="1 request; 0.5 RRU",
)  # fmt: skip

# ---- access patterns: memberships ------------------------------------------------------------------------------------

MEMBERS_OF_NEIGHBORHOOD: Final = AccessPattern(
    "members_of_neighborhood", "Who is in this neighborhood, by DID?",
    operation="Query", reads=MEMBERSHIP, consistent=True, asked_by=(API,),
    cursor=CursorFormat("members:{neighborhood_id}", {"user_id": "u"}),
    cost="1 request per page; 0.06 RRU per member of 0.2 KB, consistent",
)  # fmt: skip
MEMBERSHIPS_OF_USER: Final = AccessPattern(
    "memberships_of_user", "Which neighborhoods is this user in, newest first?",
    operation="Query", reads=MEMBERSHIP, index=GSI3, descending=True, asked_by=(API,),
    cursor=CursorFormat("mine:{user_id}", {"joined_at": "c", "neighborhood_id": "i"}),
    cost="1 request per page; 0.03 RRU per membership of 0.2 KB",
)  # fmt: skip
JOIN_NEIGHBORHOOD: Final = AccessPattern(
    "join_neighborhood", "T2: add a member and count it",
    operation=("PutItem", "UpdateItem"), writes=(MEMBERSHIP, NEIGHBORHOOD), transaction=True, asked_by=(API,),
    cost="1 request; 2 items of 1 KB, 6 WRU with indexes",
)  # fmt: skip
LEAVE_NEIGHBORHOOD: Final = AccessPattern(
    "leave_neighborhood", "T3: remove a member and count it",
    operation=("DeleteItem", "UpdateItem"), writes=(MEMBERSHIP, NEIGHBORHOOD), transaction=True, asked_by=(API,),
    cost="1 request; 2 items of 1 KB, 6 WRU with indexes",
)  # fmt: skip

# ---- access patterns: profiles and readiness -------------------------------------------------------------------------

PROFILE_OF_USER: Final = AccessPattern(
    "profile_of_user", "What did this user tell of themselves?",
    operation="GetItem", reads=PROFILE, consistent=True, asked_by=(API,), cost="1 request; 1 RRU consistent",
)  # fmt: skip
PROFILES_OF_USERS: Final = AccessPattern(
    "profiles_of_users", "What did these users tell of themselves?",
    operation="BatchGetItem", reads=PROFILE, asked_by=(API,), cost="1 request per 100; 0.5 RRU each",
)  # fmt: skip
CREATE_PROFILE: Final = AccessPattern(
    "create_profile", "Add a profile where there is none",
    operation="PutItem", writes=PROFILE, asked_by=(API,), cost="1 request; 2 WRU per KB with the index",
)  # fmt: skip
UPDATE_PROFILE: Final = AccessPattern(
    "update_profile", "Change a profile that exists",
    operation="UpdateItem", writes=PROFILE, asked_by=(API,), cost="1 request; 2 WRU per KB with the index",
)  # fmt: skip
PROBE_TABLE: Final = AccessPattern(
    "probe_table", "Does the table answer?",
    operation="GetItem", reads=PROBE, asked_by=(API,), cost="1 request; 0.5 RRU",
)  # fmt: skip

# ---- access patterns: sign-in ----------------------------------------------------------------------------------------

_keep = partial(AccessPattern, operation="PutItem", asked_by=(API,), cost="1 request; 1 WRU")
_consume = partial(AccessPattern, operation="DeleteItem", asked_by=(API,), cost="1 request; 1 WRU")

PUT_OAUTH_STATE: Final = _keep("put_oauth_state", "Remember a sign-in until the browser comes back", writes=OAUTH_STATE)
CONSUME_OAUTH_STATE: Final = _consume(
    "consume_oauth_state", "Which sign-in is this the end of? Asked once", writes=OAUTH_STATE
)
PUT_LOGIN_CODE: Final = _keep("put_login_code", "Keep a proven identity until the page picks it up", writes=LOGIN_CODE)
CONSUME_LOGIN_CODE: Final = _consume(
    "consume_login_code", "Who may have a token for this code? Asked once", writes=LOGIN_CODE
)

# ---- access patterns: the worker -------------------------------------------------------------------------------------

PENDING_DELETIONS: Final = AccessPattern(
    "pending_deletions", "Which neighborhoods wait to be purged?",
    operation="Query", reads=NEIGHBORHOOD, index=GSI1, asked_by=(WORKER,), cost="1 request per MB; 0.1 RRU each",
)  # fmt: skip
PURGE_MEMBERS: Final = AccessPattern(
    "purge_members", "Remove members of a deleted neighborhood",
    operation=("Query", "BatchWriteItem"), reads=MEMBERSHIP, consistent=True, asked_by=(WORKER,),
    cost="1 Query per page of 500 and 1 BatchWriteItem per 25; 2 WRU per member with the index",
)  # fmt: skip
DROP_NEIGHBORHOOD: Final = AccessPattern(
    "drop_neighborhood", "Remove a deleted neighborhood itself, last",
    operation="DeleteItem", writes=NEIGHBORHOOD, asked_by=(WORKER,), cost="1 request; 2 WRU",
)  # fmt: skip
COUNT_MEMBERS: Final = AccessPattern(
    "count_members", "How many members are there really?",
    operation="Query", reads=MEMBERSHIP, consistent=True, asked_by=(WORKER,),
    cost="1 request per MB; 0.06 RRU per member of 0.2 KB, consistent",
)  # fmt: skip
SET_MEMBER_COUNT: Final = AccessPattern(
    "set_member_count", "Correct a count, unless somebody joined or left meanwhile",
    operation="UpdateItem", writes=NEIGHBORHOOD, asked_by=(WORKER,), cost="1 request; 2 WRU per KB with the index",
)  # fmt: skip
HOLDERS_OF_NAMES: Final = AccessPattern(
    "holders_of_names", "Audit: which neighborhoods hold these names?",
    operation="BatchGetItem", reads=NAME, consistent=True, asked_by=(WORKER,),
    cost="1 request per 100; 1 RRU each, consistent",
)  # fmt: skip
MOVE_TO_PARTITION: Final = AccessPattern(
    "move_to_partition", "Reshard: put a neighborhood into another part of the list",
    operation="UpdateItem", writes=NEIGHBORHOOD, asked_by=(WORKER,), cost="1 request; 3 WRU per KB with the index",
)  # fmt: skip
