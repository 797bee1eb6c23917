"""A bucket of a service, computed from its declaration, and access to it by prefix."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.shared_output import shared_output
from cdk_app.environments import Environment
from lambda_src.runtime.buckets import Bucket

PARTS_KEPT: Final = Duration.days(1)  # of an upload that was never completed
OLD_VERSIONS_KEPT: Final = Duration.days(30)
# A player asks for a part of an object and reads from the answer which one it got.
ASKED_HEADERS: Final = ("range",)
SHOWN_HEADERS: Final = ("Accept-Ranges", "Content-Length", "Content-Range", "ETag")
PREFLIGHT_SECONDS: Final = 600
READ_METHODS: Final = frozenset({"GET", "HEAD"})
NOBODY: Final[Mapping[str, str]] = MappingProxyType({})
DAILY: Final = Duration.days(1)  # S3 measures once a day


class ServiceBucket(Construct):
    """One bucket: private, encrypted, over TLS alone, with old versions where data is retained.

    Attributes for others: bucket, for its own stack; bucket_name, for stacks that wait for it.

    origins: pages that may send forms, as browsers send their origin; what is signed for reading any page may read.

    Its events go to EventBridge, so that it waits for no queue or function; see `EventRoute`. For the same reason its
    policy, of which S3 knows one for each bucket, stands in the stack of whom it lets in: `write_policy`.
    It is never emptied by its stack, which would take a function that may delete everything: empty it before the stack
    is destroyed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: Bucket,
        origins: Sequence[str],
        environment: Environment,
    ) -> None:
        super().__init__(scope, construct_id)
        self._declared = bucket
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            versioned=environment.retain_data,
            lifecycle_rules=list(_lifecycle(bucket, keeps_versions=environment.retain_data)),
            cors=_cors(bucket, origins),
            removal_policy=RemovalPolicy.RETAIN if environment.retain_data else RemovalPolicy.DESTROY,
        )
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        # `event_bridge_enabled` would deploy a function with rights on every bucket to say the same.
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        acknowledge(self.bucket, "AwsSolutions-S1", "What reads and writes it is logged and traced by the functions")
        acknowledge(
            self.bucket, "AwsSolutions-S10", "Its policy stands in the stack of whom it lets in, and refuses it"
        )
        self._reference = shared_output(self, f"{bucket.name}BucketName", self.bucket.bucket_name)
        self.bucket_name = Token.as_string(self._reference)

    def write_policy(self, scope: Construct, *, shown_by: Mapping[str, str] = NOBODY) -> None:
        """Refuse plain HTTP, whoever asks, and let distributions read. shown_by: ARN of a distribution by prefix.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
        """
        arn = self._arn(Stack.of(scope))
        refused = iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["s3:*"],
            resources=[arn, f"{arn}/*"],
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        read = [
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                actions=["s3:GetObject"],
                resources=[f"{arn}/{prefix}/*"],
                conditions={"StringEquals": {"aws:SourceArn": distribution}},
            )
            for prefix, distribution in shown_by.items()
        ]
        s3.CfnBucketPolicy(
            scope,
            f"{self._declared.name}Policy",
            bucket=self.bucket_name,
            policy_document=iam.PolicyDocument(statements=[refused, *read]),
        )

    def grant_access(self, grantee: iam.IGrantable, *, asked_by: str) -> None:
        """Allow what a function, or who moves data in, is declared to do, below exactly the prefixes of it."""
        arn = self._arn(Stack.of(grantee.grant_principal))  # type: ignore[arg-type]  # a role is a construct
        for prefix in self._declared.prefixes:
            done = [action for name, action in self._declared.rights(asked_by) if name == prefix.name]
            on_objects = [f"s3:{action}" for action in done if action != "ListBucket"]
            if on_objects:
                self._allow(grantee, on_objects, f"{arn}/{prefix.name}/*")
                self._accept_wildcard(grantee, prefix.name)
        listed = [name for name, action in self._declared.rights(asked_by) if action == "ListBucket"]
        if listed:
            self._allow(grantee, ["s3:ListBucket"], arn, {"s3:prefix": [f"{name}/*" for name in listed]})

    def created_below(self, prefix: str) -> dict[str, Any]:
        """The pattern of events that tell of each new object, copies included. Raises ValueError for an unknown one."""
        if prefix not in {each.name for each in self._declared.prefixes}:
            raise ValueError(f"{self._declared.name} declares no objects below {prefix}")
        return {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [self.bucket_name]},
                "object": {"key": [{"prefix": f"{prefix}/"}]},
            },
        }

    def metric(self, name: str, storage: str) -> cloudwatch.Metric:
        """What S3 counts once a day and for nothing, by class of storage.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
        """
        return cloudwatch.Metric(
            namespace="AWS/S3",
            metric_name=name,
            dimensions_map={"BucketName": self.bucket_name, "StorageType": storage},
            statistic="Average",
            period=DAILY,
        )

    def _arn(self, stack: Stack) -> str:
        """Of the bucket, as a stack names it: its own one by a plain reference."""
        name = self.bucket.bucket_name if stack is Stack.of(self) else self.bucket_name
        return stack.format_arn(service="s3", region="", account="", resource=name)

    def _allow(
        self, grantee: iam.IGrantable, actions: list[str], resource: str, condition: dict[str, list[str]] | None = None
    ) -> None:
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=actions,
                resources=[resource],
                conditions=None if condition is None else {"StringLike": condition},
            )
        )

    def _accept_wildcard(self, grantee: iam.IGrantable, prefix: str) -> None:
        """The check of policies knows a resource by its text, in which a reference is written as JSON."""
        role: Construct = grantee.grant_principal  # type: ignore[assignment]  # a role is a construct
        stack = Stack.of(self)
        if stack is Stack.of(role):
            name = f"<{stack.resolve(self.bucket.bucket_name)['Ref']}>"
        else:
            name = json.dumps(self._reference, separators=(",", ":"))
        acknowledge(
            role,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/{prefix}/*]",
            "Objects have no other name before they are there; the prefix is declared",
        )


def _lifecycle(bucket: Bucket, *, keeps_versions: bool) -> list[s3.LifecycleRule]:
    rules = [
        s3.LifecycleRule(id=f"Expire-{each.name}", prefix=f"{each.name}/", expiration=Duration.days(each.days_kept))
        for each in bucket.prefixes
        if each.days_kept is not None
    ]
    rules.append(s3.LifecycleRule(id="ForgetParts", abort_incomplete_multipart_upload_after=PARTS_KEPT))
    if keeps_versions:
        rules.append(
            s3.LifecycleRule(
                id="ForgetOldVersions",
                noncurrent_version_expiration=OLD_VERSIONS_KEPT,
                expired_object_delete_marker=True,
            )
        )
    return rules


def _cors(bucket: Bucket, origins: Sequence[str]) -> list[s3.CorsRule] | None:
    """Pages anywhere may read what a signed URL shows; only those of the web clients may send forms.

    Whoever follows a link of ours from another origin arrives at S3 with the origin `null`.
    https://fetch.spec.whatwg.org/#concept-http-redirect-fetch
    """
    rules = []
    for allowed, methods in (
        (["*"], [each for each in bucket.browser_methods if each in READ_METHODS]),
        (list(origins), [each for each in bucket.browser_methods if each not in READ_METHODS]),
    ):
        if methods:
            rules.append(
                s3.CorsRule(
                    allowed_origins=allowed,
                    allowed_methods=[s3.HttpMethods[method] for method in methods],
                    allowed_headers=list(ASKED_HEADERS),
                    exposed_headers=list(SHOWN_HEADERS),
                    max_age=PREFLIGHT_SECONDS,
                )
            )
    return rules or None
