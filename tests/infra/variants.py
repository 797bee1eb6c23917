"""Environments as they are for a while, or for some."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cdk_app.environments import ENVIRONMENTS, PROD, STAGING, Environment, Maintenance
from cdk_app.services.registry import SERVICES

RESTORED: Final = {
    name: f"{name}-restored"
    for service in SERVICES
    for name in (table.physical_name(PROD.name) for table in service.tables)
}
RESTORED_STREAMS: Final = {
    name: f"arn:aws:dynamodb:us-east-1:123456789012:table/{restored}/stream/2026-12-01T08:00:00.000"
    for name, restored in RESTORED.items()
}
CLOSED: Final[Mapping[str, Maintenance]] = {service.name: "read_only" for service in SERVICES}
OPERATOR_ROLE: Final = (
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Migration_0123456789abcdef"
)
OPERATOR_USER: Final = "arn:aws:iam::123456789012:user/ada"

# Two public keys whose private halves nobody has any more.
MEDIA_KEYS: Final = (
    """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwlHmOlEwVSame+3aM5Iz
eLmmytI9vwifOuwQkWWoRef9o0FWqI0PAV65x448gvCUEl+vVmCrOEAPgtwVutaT
iv5ZOLooiwyxsP/Ukns0CZRjYwd6MBTRiMQ9NJywPaZG9X/99BBPZJhoLB86HD3u
RP7ZQOvKxS9KdmF1je+fh0gMMqxEUbYT/B0OStJKV3brGajYuKQ3Zyb9Nhr/cUCV
4ZFykC145bQ6DnP0ESHA/hMIjZNveqG+f2B86PVfVzJJasl5oG9iOK1JPX58DBDH
/RqCwnVHgrhyBPh48HByRlpjZlFUJfou/a74lMdKTO7Pxg0FCPKTCQPypEM+p53H
pQIDAQAB
-----END PUBLIC KEY-----
""",
    """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1SRRtnF5y7xzeZNWqy1U
CdFu+QmdsXqSw8300xekiARaF0cXnDzalu+8kCoPMC1p7TqSJnLdBhl24Zt8ZVsb
eGDZTrAPmFkb5uAzYCemijsJ1RIPAHmv3QhpuXhyUtqS/SpE1hOA8cFhTsRC6I8U
Qp2jVwrfRBWm8HW62Y9/Zi9pkBqy+fmWYoO2j9B9MGyFC4CzY/aUr3/gihl9TV1o
IlM1fgG35Gest8nQAJSdGdBi4QOwvMzz9uAHun0E0C2styva77rwxCsPt2umdwzw
j2aZdOFaoVNo6yuzob4nJs4liCQTGMt64AdsRMVEbsxnrsfbytVU2o6bmX0gZOpt
XwIDAQAB
-----END PUBLIC KEY-----
""",
)
WITH_FLAGS: Final = replace(
    PROD,
    enable_cloudfront=True,
    enable_mqtt=True,
    yoto_client_id="a1b2c3",
    media_public_keys={service.name: MEDIA_KEYS for service in SERVICES if service.flags},
)

VARIANTS: Final[Mapping[str, Environment]] = {
    "restored": replace(PROD, table_names=RESTORED, stream_arns=RESTORED_STREAMS),
    "closed": replace(PROD, maintenance=CLOSED),
    "operated-by-role": replace(PROD, migration_operator=OPERATOR_ROLE),
    "operated-by-user": replace(PROD, migration_operator=OPERATOR_USER),
    "token-callback": replace(STAGING, callback_mode="token"),
    "with-flags": WITH_FLAGS,
    "without-a-key": replace(WITH_FLAGS, media_public_keys={}, yoto_client_id=""),
}

# All that a test run synthesises, whichever test asks first.
SYNTHESISED: Final = (*ENVIRONMENTS, *VARIANTS)
