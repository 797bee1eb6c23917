"""Environments as they are for a while, or for some."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cdk_app.environments import PROD, STAGING, Environment, Maintenance
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
