"""Table design and access patterns of nbhd.city, as data.

The stack's table and grants, local and test tables, the repositories' keys and `TABLES.md` are computed from here.
Transactions are written `T1`..`T5`; their conditions stand beside their code in `repository/`.
"""

from typing import Final

from lambda_src.dynamo.schema import AccessPattern, Entity, Index, KeyTemplate, Table

# ---- indexes -------------------------------------------------------------------------------------------------------

GSI1: Final = Index("GSI1", partition="entity_type", sort="created_at", projection="ALL")
GSI2: Final = Index("GSI2", partition="name_lower", sort="SK", projection="KEYS_ONLY")
GSI3: Final = Index("GSI3", partition="user_id", sort="joined_at", projection="ALL")

# ---- items: each stays out of an index by lacking one of its key attributes ------------------------------------------

NEIGHBORHOOD: Final = Entity(
    "Neighborhood",
    partition=KeyTemplate("NBHD#{nbhd_id}"),
    sort=KeyTemplate("METADATA"),
    index_keys={
        "entity_type": KeyTemplate("neighborhood"),
        "created_at": KeyTemplate("{created_at}"),
        "name_lower": KeyTemplate("{name_lower}"),
    },
    notes="One community; `neighborhood#00`.. when the list is sharded, `neighborhood_deleting` until it is purged",
)
MEMBERSHIP: Final = Entity(
    "Membership",
    partition=KeyTemplate("NBHD#{nbhd_id}"),
    sort=KeyTemplate("MEMBER#{user_id}"),
    index_keys={"user_id": KeyTemplate("{user_id}"), "joined_at": KeyTemplate("{joined_at}")},
    notes="Somebody is in a neighborhood",
)
NAME: Final = Entity(
    "Name",
    partition=KeyTemplate("NBHDNAME#{name_lower}"),
    sort=KeyTemplate("NAME"),
    notes="Sentinel item: the neighborhood that has a name",
)
PROFILE: Final = Entity(
    "Profile",
    partition=KeyTemplate("USER#{user_id}"),
    sort=KeyTemplate("PROFILE"),
    index_keys={
        "entity_type": KeyTemplate("user"),
        "created_at": KeyTemplate("{created_at}"),
        "user_id": KeyTemplate("{user_id}"),
    },
    notes="What a user told of themselves",
)
OAUTH_STATE: Final = Entity(
    "OAuthState",
    partition=KeyTemplate("OAUTH#{state_digest}"),
    sort=KeyTemplate("STATE"),
    notes="A sign-in under way; used once, leaves by TTL",
)
LOGIN_CODE: Final = Entity(
    "LoginCode",
    partition=KeyTemplate("LOGIN#{code_digest}"),
    sort=KeyTemplate("CODE"),
    notes="A finished sign-in that waits to be picked up; used once, leaves by TTL",
)

# ---- access patterns: neighborhoods --------------------------------------------------------------------------------

NEIGHBORHOOD_BY_ID: Final = AccessPattern(
    "neighborhood_by_id", "Which neighborhood is this?", ("GetItem",),
    reads=(NEIGHBORHOOD,), cost="1 request; 1 RRU per 4 KB, consistent",
)  # fmt: skip
NEIGHBORHOOD_AND_MEMBERSHIP: Final = AccessPattern(
    "neighborhood_and_membership", "Which neighborhood is this, and is this user in it?", ("BatchGetItem",),
    reads=(NEIGHBORHOOD, MEMBERSHIP), cost="1 request; 2 RRU consistent",
)  # fmt: skip
NEIGHBORHOODS_NEWEST_FIRST: Final = AccessPattern(
    "neighborhoods_newest_first", "Which neighborhoods are there, newest first?", ("Query",), index=GSI1,
    descending=True, reads=(NEIGHBORHOOD,), cost="1 request per page and shard; 0.1 RRU per neighborhood of 0.8 KB",
)  # fmt: skip
NEIGHBORHOOD_BY_NAME: Final = AccessPattern(
    "neighborhood_by_name", "Which neighborhood has this name?", ("GetItem",),
    reads=(NAME, NEIGHBORHOOD), cost="2 requests, 1 when the name is free; 1 RRU each, consistent",
)  # fmt: skip
NEIGHBORHOODS_BY_IDS: Final = AccessPattern(
    "neighborhoods_by_ids", "Which neighborhoods are these?", ("BatchGetItem",),
    reads=(NEIGHBORHOOD,), cost="1 request per 100; 0.5 RRU each",
)  # fmt: skip
CREATE_NEIGHBORHOOD: Final = AccessPattern(
    "create_neighborhood", "T1: add a neighborhood whose name is free, its creator inside", ("PutItem",),
    transaction=True, cost="1 request; 3 items of 1 KB, about 9 WRU with indexes",
)  # fmt: skip
RENAME_NEIGHBORHOOD: Final = AccessPattern(
    "rename_neighborhood", "T4: move a neighborhood to a name that is free", ("PutItem", "DeleteItem", "UpdateItem"),
    transaction=True, cost="1 request; 3 items, about 9 WRU with indexes",
)  # fmt: skip
DESCRIBE_NEIGHBORHOOD: Final = AccessPattern(
    "describe_neighborhood", "Change the description, or how the same name is written", ("UpdateItem",),
    cost="1 request; 2 WRU per KB with the index",
)  # fmt: skip
DELETE_NEIGHBORHOOD: Final = AccessPattern(
    "delete_neighborhood", "T5: take a neighborhood off the list and free its name", ("DeleteItem", "UpdateItem"),
    transaction=True, cost="1 request; 2 items, about 7 WRU with indexes",
)  # fmt: skip
NEIGHBORHOODS_OF_NAME: Final = AccessPattern(
    "neighborhoods_of_name", "Support: which neighborhoods carry this name, whoever holds it?", ("Query",),
    index=GSI2, reads=(NEIGHBORHOOD,), cost="1 request; 0.5 RRU",
)  # fmt: skip

# ---- access patterns: memberships ----------------------------------------------------------------------------------

MEMBERS_OF_NEIGHBORHOOD: Final = AccessPattern(
    "members_of_neighborhood", "Who is in this neighborhood?", ("Query",),
    reads=(MEMBERSHIP,), cost="1 request per page; 0.06 RRU per member of 0.2 KB, consistent",
)  # fmt: skip
MEMBERSHIPS_OF_USER: Final = AccessPattern(
    "memberships_of_user", "Which neighborhoods is this user in, newest first?", ("Query",), index=GSI3,
    descending=True, reads=(MEMBERSHIP,), cost="1 request per page; 0.03 RRU per membership of 0.2 KB",
)  # fmt: skip
JOIN_NEIGHBORHOOD: Final = AccessPattern(
    "join_neighborhood", "T2: add a member and count it", ("PutItem", "UpdateItem"), transaction=True,
    cost="1 request; 2 items of 1 KB, 6 WRU with indexes",
)  # fmt: skip
LEAVE_NEIGHBORHOOD: Final = AccessPattern(
    "leave_neighborhood", "T3: remove a member and count it", ("DeleteItem", "UpdateItem"), transaction=True,
    cost="1 request; 2 items of 1 KB, 6 WRU with indexes",
)  # fmt: skip

# ---- access patterns: profiles and readiness -----------------------------------------------------------------------

PROFILE_OF_USER: Final = AccessPattern(
    "profile_of_user", "What did this user tell of themselves?", ("GetItem",),
    reads=(PROFILE,), cost="1 request; 1 RRU consistent",
)  # fmt: skip
PROFILES_OF_USERS: Final = AccessPattern(
    "profiles_of_users", "What did these users tell of themselves?", ("BatchGetItem",),
    reads=(PROFILE,), cost="1 request per 100; 0.5 RRU each",
)  # fmt: skip
CREATE_PROFILE: Final = AccessPattern(
    "create_profile", "Add a profile where there is none", ("PutItem",), cost="1 request; 2 WRU per KB with the index"
)
UPDATE_PROFILE: Final = AccessPattern(
    "update_profile", "Change a profile that exists", ("UpdateItem",), cost="1 request; 2 WRU per KB with the index"
)
PROBE_TABLE: Final = AccessPattern(
    "probe_table", "Does the table answer?", ("GetItem",), cost="1 request; 0.5 RRU", partition="HEALTH", sort="HEALTH"
)

# ---- access patterns: sign-in ---------------------------------------------------------------------------------------

PUT_OAUTH_STATE: Final = AccessPattern(
    "put_oauth_state", "Remember a sign-in until the browser comes back", ("PutItem",), cost="1 request; 1 WRU"
)
CONSUME_OAUTH_STATE: Final = AccessPattern(
    "consume_oauth_state", "Which sign-in is this the end of? Asked once", ("DeleteItem",), cost="1 request; 1 WRU"
)
PUT_LOGIN_CODE: Final = AccessPattern(
    "put_login_code", "Keep a proven identity until the page picks it up", ("PutItem",), cost="1 request; 1 WRU"
)
CONSUME_LOGIN_CODE: Final = AccessPattern(
    "consume_login_code", "Who may have a token for this code? Asked once", ("DeleteItem",), cost="1 request; 1 WRU"
)

# ---- access patterns: the worker -----------------------------------------------------------------------------------

PENDING_DELETIONS: Final = AccessPattern(
    "pending_deletions", "Which neighborhoods wait to be purged?", ("Query",), index=GSI1,
    reads=(NEIGHBORHOOD,), cost="1 request per MB; 0.1 RRU each",
)  # fmt: skip
PURGE_MEMBERS: Final = AccessPattern(
    "purge_members", "Remove members of a deleted neighborhood", ("Query", "BatchWriteItem"),
    reads=(MEMBERSHIP,), cost="1 Query per page of 500 and 1 BatchWriteItem per 25; 2 WRU per member with the index",
)  # fmt: skip
DROP_NEIGHBORHOOD: Final = AccessPattern(
    "drop_neighborhood", "Remove a deleted neighborhood itself, last", ("DeleteItem",), cost="1 request; 2 WRU"
)
COUNT_MEMBERS: Final = AccessPattern(
    "count_members", "How many members are there really?", ("Query",), reads=(MEMBERSHIP,),
    cost="1 request per MB; 0.06 RRU per member of 0.2 KB, consistent",
)  # fmt: skip
SET_MEMBER_COUNT: Final = AccessPattern(
    "set_member_count", "Correct a count, unless somebody joined or left meanwhile", ("UpdateItem",),
    cost="1 request; 2 WRU per KB with the index",
)  # fmt: skip
HOLDERS_OF_NAMES: Final = AccessPattern(
    "holders_of_names", "Audit: which neighborhoods hold these names?", ("BatchGetItem",),
    reads=(NAME,), cost="1 request per 100; 1 RRU each, consistent",
)  # fmt: skip
MOVE_TO_PARTITION: Final = AccessPattern(
    "move_to_partition", "Reshard: put a neighborhood into another part of the list", ("UpdateItem",),
    cost="1 request; 3 WRU per KB with the index",
)  # fmt: skip

# ---- table ---------------------------------------------------------------------------------------------------------

_FOR_API: Final = (
    NEIGHBORHOOD_BY_ID, NEIGHBORHOOD_AND_MEMBERSHIP, NEIGHBORHOODS_NEWEST_FIRST, NEIGHBORHOOD_BY_NAME,
    NEIGHBORHOODS_BY_IDS, CREATE_NEIGHBORHOOD, RENAME_NEIGHBORHOOD, DESCRIBE_NEIGHBORHOOD, DELETE_NEIGHBORHOOD,
    MEMBERS_OF_NEIGHBORHOOD, MEMBERSHIPS_OF_USER, JOIN_NEIGHBORHOOD, LEAVE_NEIGHBORHOOD,
    PROFILE_OF_USER, PROFILES_OF_USERS, CREATE_PROFILE, UPDATE_PROFILE, PROBE_TABLE,
    PUT_OAUTH_STATE, CONSUME_OAUTH_STATE, PUT_LOGIN_CODE, CONSUME_LOGIN_CODE,
)  # fmt: skip
_FOR_WORKER_ONLY: Final = (
    PENDING_DELETIONS, PURGE_MEMBERS, DROP_NEIGHBORHOOD, COUNT_MEMBERS, SET_MEMBER_COUNT, HOLDERS_OF_NAMES,
    MOVE_TO_PARTITION,
)  # fmt: skip
_FOR_SUPPORT: Final = (NEIGHBORHOODS_OF_NAME,)

MAIN: Final = Table(
    "main",
    seed_name="nbhd-city",
    environment_variable="DYNAMODB_TABLE_NAME",
    partition="PK",
    sort="SK",
    indexes=(GSI1, GSI2, GSI3),
    ttl="expires_at",
    entities=(NEIGHBORHOOD, MEMBERSHIP, NAME, PROFILE, OAUTH_STATE, LOGIN_CODE),
    patterns=(*_FOR_API, *_FOR_WORKER_ONLY, *_FOR_SUPPORT),
)

TABLES: Final = (MAIN,)

# ---- who asks what: the functions' roles are computed from these ----------------------------------------------------

API_PATTERNS: Final = {MAIN: _FOR_API}
WORKER_PATTERNS: Final = {MAIN: (NEIGHBORHOOD_BY_ID, NEIGHBORHOODS_NEWEST_FIRST, *_FOR_WORKER_ONLY)}
SUPPORT_PATTERNS: Final = {MAIN: _FOR_SUPPORT}
