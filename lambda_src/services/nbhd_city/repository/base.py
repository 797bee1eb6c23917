"""What the repositories share: conditions by their names, and keys."""

from dataclasses import dataclass
from typing import Final

from boto3.dynamodb.conditions import Attr, ConditionBase

from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock
from lambda_src.services.nbhd_city.models import Did, NbhdId
from lambda_src.services.nbhd_city.rules.times import timestamp
from lambda_src.services.nbhd_city.tables import MAIN, MEMBERSHIP, NEIGHBORHOOD

EXISTS: Final[ConditionBase] = Attr("PK").exists()
ABSENT: Final[ConditionBase] = Attr("PK").not_exists()
ACTIVE: Final[ConditionBase] = EXISTS & Attr("status").eq("active")


@dataclass(frozen=True, slots=True)
class Context:
    """What every repository is given."""

    store: Store
    clock: Clock

    def now(self) -> str:
        return timestamp(self.clock())


def neighborhood_key(nbhd_id: NbhdId) -> dict[str, str]:
    return MAIN.key(NEIGHBORHOOD, nbhd_id=nbhd_id)


def membership_key(nbhd_id: NbhdId, user_id: Did) -> dict[str, str]:
    return MAIN.key(MEMBERSHIP, nbhd_id=nbhd_id, user_id=user_id)


def membership_item(nbhd_id: NbhdId, user_id: Did, joined_at: str) -> dict[str, object]:
    """The stored form of a membership. It has no `created_at`, which would bring it into GSI1."""
    return {
        **membership_key(nbhd_id, user_id),
        "entity_type": "membership",
        "neighborhood_id": nbhd_id,
        "user_id": user_id,
        "joined_at": joined_at,
    }
