"""Production as it is for a while."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cdk_app.environments import PROD, Environment

RESTORED_TABLE: Final = "StockTrackRecord-prod-restored"
OPERATOR_ROLE: Final = (
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Migration_0123456789abcdef"
)
OPERATOR_USER: Final = "arn:aws:iam::123456789012:user/ada"

VARIANTS: Final[Mapping[str, Environment]] = {
    "restored": replace(PROD, table_names={"StockTrackRecord-prod": RESTORED_TABLE}),
    "operated-by-role": replace(PROD, migration_operator=OPERATOR_ROLE),
    "operated-by-user": replace(PROD, migration_operator=OPERATOR_USER),
}
