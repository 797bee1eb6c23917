"""Environments as they are for a while, or for some; and with what no service has yet."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cdk_app.environments import ENVIRONMENTS, LOCAL, PROD, STAGING, Environment, Maintenance
from cdk_app.services.registry import SERVICES

RESTORED: Final = {
    name: f"{name}-restored"
    for service in SERVICES
    for name in (table.physical_name(PROD.name) for table in service.tables)
}
CLOSED: Final[Mapping[str, Maintenance]] = {service.name: "read_only" for service in SERVICES}
OPERATOR_ROLE: Final = (
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Migration_0123456789abcdef"
)
OPERATOR_USER: Final = "arn:aws:iam::123456789012:user/ada"

VARIANTS: Final[Mapping[str, Environment]] = {
    "restored": replace(PROD, table_names=RESTORED),
    "closed": replace(PROD, maintenance=CLOSED),
    "operated-by-role": replace(PROD, migration_operator=OPERATOR_ROLE),
    "operated-by-user": replace(PROD, migration_operator=OPERATOR_USER),
    "token-callback": replace(STAGING, callback_mode="token"),
}

# Of `tests/infra/with_a_bucket.py` alone, the other services left out.
WITH_A_BUCKET: Final[Mapping[str, Environment]] = {"bucket-in-prod": PROD, "bucket-in-local": LOCAL}
# All that a test run synthesises, whichever test asks first.
SYNTHESISED: Final = (*ENVIRONMENTS, *VARIANTS, *WITH_A_BUCKET)
