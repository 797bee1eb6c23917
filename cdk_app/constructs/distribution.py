"""A distribution of CloudFront in front of a service: its API, and files of a bucket to who has a signed address.

    *          the HTTP API: every method, nothing cached
    /media/*   the bucket: GET and HEAD, cached, signed by a key of ours, else 403

It stands beside the API. The bucket's policy names the distribution, so it stands here as well: the stack that keeps
the bucket would otherwise wait for this one, which waits for it.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from aws_cdk import Annotations, Aws, CfnOutput, CfnParameter, Stack
from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.api_function import ApiFunction
from cdk_app.constructs.service_bucket import ServiceBucket

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CACHING_OPTIMIZED: Final = "658327ea-f89d-4fab-a63d-7e88639e58f6"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
ALL_VIEWER_EXCEPT_HOST_HEADER: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
# For pages of every origin, as the bucket itself answers; it is never asked about one, since the key of what is kept
# has no `Origin`. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
CORS_WITH_PREFLIGHT: Final = "5cc3b908-e619-4b99-88e5-2cf7f45965bd"
READS: Final = ("GET", "HEAD")
ALL_METHODS: Final = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
HTTPS_ONLY: Final = "https-only"
API_ORIGIN: Final = "Api"
FILES_ORIGIN: Final = "Files"
KEY_PARAMETER: Final = "MediaPublicKey"
COMMAND: Final = "python -m cdk_app.operations.media_key"
NO_KEY: Final = (
    "enable_cloudfront needs a key that signs addresses of files: make one with `{command}` and put what it prints "
    "into `media_public_keys` of environments.py; until then the stack asks for it as its parameter {parameter}"
)


class FileDistribution(Construct):
    """API and files under one address. Attributes for others: url; key_pair_id, of the key that signs.

    prefix: of the objects that are shown, and of their paths. public_keys: PEM; the first one signs, what the others
    signed is still shown. None at all: a parameter of the stack asks for one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api: ApiFunction,
        bucket: ServiceBucket,
        prefix: str,
        public_keys: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        keys = [self._key(_digest(key), key) for key in public_keys] or [self._key("Given", self._asked_for())]
        group = cloudfront.CfnKeyGroup(
            self,
            "Keys",
            key_group_config=cloudfront.CfnKeyGroup.KeyGroupConfigProperty(
                name=f"{self._stack_name}-files", items=[key.ref for key in keys]
            ),
        )
        self.distribution = cloudfront.CfnDistribution(
            self, "Distribution", distribution_config=self._config(api, bucket, prefix, group.ref)
        )
        self.url = f"https://{self.distribution.attr_domain_name}"
        self.key_pair_id = keys[0].ref
        CfnOutput(Stack.of(self), "CloudFrontDomainName", value=self.distribution.attr_domain_name)
        self._accept_findings()

    @property
    def arn(self) -> str:
        return f"arn:{Aws.PARTITION}:cloudfront::{Aws.ACCOUNT_ID}:distribution/{self.distribution.ref}"

    @property
    def _stack_name(self) -> str:
        return Stack.of(self).stack_name

    def _config(
        self, api: ApiFunction, bucket: ServiceBucket, prefix: str, keys: str
    ) -> cloudfront.CfnDistribution.DistributionConfigProperty:
        return cloudfront.CfnDistribution.DistributionConfigProperty(
            comment=f"API and files of {self._stack_name}",
            enabled=True,
            http_version="http2and3",
            ipv6_enabled=True,
            price_class="PriceClass_100",
            origins=[self._api_origin(api), self._files_origin(bucket)],
            default_cache_behavior=cloudfront.CfnDistribution.DefaultCacheBehaviorProperty(
                target_origin_id=API_ORIGIN,
                viewer_protocol_policy=HTTPS_ONLY,
                allowed_methods=list(ALL_METHODS),
                cached_methods=list(READS),
                cache_policy_id=CACHING_DISABLED,
                origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST_HEADER,
            ),
            cache_behaviors=[
                cloudfront.CfnDistribution.CacheBehaviorProperty(
                    path_pattern=f"/{prefix}/*",
                    target_origin_id=FILES_ORIGIN,
                    viewer_protocol_policy=HTTPS_ONLY,
                    allowed_methods=list(READS),
                    cached_methods=list(READS),
                    cache_policy_id=CACHING_OPTIMIZED,
                    response_headers_policy_id=CORS_WITH_PREFLIGHT,
                    trusted_key_groups=[keys],
                )
            ],
        )

    def _api_origin(self, api: ApiFunction) -> cloudfront.CfnDistribution.OriginProperty:
        return cloudfront.CfnDistribution.OriginProperty(
            id=API_ORIGIN,
            domain_name=f"{api.api.api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}",
            custom_origin_config=cloudfront.CfnDistribution.CustomOriginConfigProperty(
                origin_protocol_policy=HTTPS_ONLY, origin_ssl_protocols=["TLSv1.2"]
            ),
        )

    def _files_origin(self, bucket: ServiceBucket) -> cloudfront.CfnDistribution.OriginProperty:
        access = cloudfront.CfnOriginAccessControl(
            self,
            "Access",
            origin_access_control_config=cloudfront.CfnOriginAccessControl.OriginAccessControlConfigProperty(
                name=f"{self._stack_name}-files",
                origin_access_control_origin_type="s3",
                signing_behavior="always",
                signing_protocol="sigv4",
            ),
        )
        return cloudfront.CfnDistribution.OriginProperty(
            id=FILES_ORIGIN,
            domain_name=f"{bucket.bucket_name}.s3.{Aws.REGION}.{Aws.URL_SUFFIX}",
            origin_access_control_id=access.attr_id,
            s3_origin_config=cloudfront.CfnDistribution.S3OriginConfigProperty(),
        )

    def _key(self, name: str, pem: str) -> cloudfront.CfnPublicKey:
        """A key under a name of its own for each: CloudFront changes none that is there."""
        return cloudfront.CfnPublicKey(
            self,
            f"Key{name}",
            public_key_config=cloudfront.CfnPublicKey.PublicKeyConfigProperty(
                caller_reference=f"{self._stack_name}-{name}", name=f"{self._stack_name}-{name}", encoded_key=pem
            ),
        )

    def _asked_for(self) -> str:
        Annotations.of(self).add_warning_v2("media-key", NO_KEY.format(command=COMMAND, parameter=KEY_PARAMETER))
        asked = CfnParameter(self, "Pem", description=f"Public key, as PEM, of which `{COMMAND}` made the private one")
        asked.override_logical_id(KEY_PARAMETER)
        return asked.value_as_string

    def _accept_findings(self) -> None:
        for rule, reason in (
            ("AwsSolutions-CFR1", "Files are for whom a signed address was given to, wherever they are"),
            (
                "AwsSolutions-CFR2",
                "API Gateway limits requests, and files take a signature; a firewall costs per month",
            ),
            ("AwsSolutions-CFR3", "Requests to the API are in the gateway's log; a log of files would hold signatures"),
            ("AwsSolutions-CFR4", "CloudFront's own certificate comes with its own choice of TLS versions"),
        ):
            acknowledge(self.distribution, rule, reason)


def _digest(key: str) -> str:
    """A short name of a public key, whatever the ends of its lines."""
    return hashlib.sha256("".join(key.split()).encode()).hexdigest()[:12].upper()
