"""Rules about buckets: who reads and writes them, which pages may, and how long what is in them stays."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from cdk_app.services.service import Service
from lambda_src.runtime.buckets import Bucket
from tests.infra.gates.data import BUCKET
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.references import as_list, construct, target, text

POLICY = "AWS::S3::BucketPolicy"
OVER_PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}
OLD_VERSIONS_DAYS = 30
PARTS_DAYS = 1
ARN = "arn:${AWS::Partition}:s3:::"
WHOLE = re.compile(re.escape(ARN) + r"(?P<bucket>\$\{[\w.-]+\})(?P<objects>/\*)?")
OBJECTS = re.compile(re.escape(ARN) + r"(?P<bucket>\$\{[\w.-]+\})/(?P<prefix>[a-z0-9-]+(?:/[a-z0-9-]+)*)/\*")
LISTS = "s3:ListBucket"


def declared_buckets(deployment: Deployment) -> Iterator[tuple[Service, Bucket, Resource | None]]:
    """(service, declaration, the bucket that was made of it) of each bucket that a service says it has."""
    for service in deployment.services:
        made = {construct(each): each for each in deployment.of_service(service).of_type(BUCKET)}
        yield from ((service, bucket, made.get(f"{bucket.name}Bucket")) for bucket in service.buckets)


def bucket_of_objects(deployment: Deployment, policy: Resource, place: Any) -> Resource | None:
    """The bucket of ours whose objects below one prefix a policy names, one of the wildcards there are; else None."""
    named = OBJECTS.fullmatch(text(place))
    found = target(deployment, policy.stack, {"Fn::Sub": named["bucket"]}) if named else None
    return found if found is not None and found.type == BUCKET else None


def whole_bucket(deployment: Deployment, policy: Resource, place: Any) -> str:
    """The bucket of ours that a policy names as a whole, with `/*` for all objects in it; else ""."""
    named = WHOLE.fullmatch(text(place))
    found = target(deployment, policy.stack, {"Fn::Sub": named["bucket"]}) if named else None
    return f"{found}{named['objects'] or ''}" if named and found is not None else ""


def lifecycle(bucket: Resource) -> list[Json]:
    """The rules that are on."""
    rules: list[Json] = bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
    return [each for each in rules if each.get("Status") == "Enabled"]


def expiry(bucket: Resource) -> dict[str, int]:
    """Days after which objects go, by the beginning of their keys."""
    return {
        each.get("Prefix", ""): each["ExpirationInDays"] for each in lifecycle(bucket) if "ExpirationInDays" in each
    }


@rule("buckets-are-as-declared", "Rights, proofs and the local cloud are computed from the declaration")
def buckets_are_as_declared(deployment: Deployment) -> Complaints:
    known = set()
    for service, declared, made in declared_buckets(deployment):
        if made is None:
            yield next(iter(deployment.of_service(service).stacks.values())), f"{declared.name} is in no stack"
            continue
        known.add(str(made))
        wanted = {f"{each.name}/": each.days_kept for each in declared.prefixes if each.days_kept is not None}
        if expiry(made) != wanted:
            yield made, f"its objects expire by {expiry(made)}, declared is {wanted}"
    for bucket in deployment.of_type(BUCKET):
        if str(bucket) not in known:
            yield bucket, "is declared by no service"


@rule("buckets-refuse-plain-http", "A signed URL that was sent in the clear once is everybody's until it expires")
def buckets_refuse_plain_http(deployment: Deployment) -> Complaints:
    closed = {
        (str(target(deployment, policy.stack, policy.properties["Bucket"])), whole_bucket(deployment, policy, place))
        for policy in deployment.of_type(POLICY)
        for statement in as_list(policy.properties["PolicyDocument"]["Statement"])
        if statement["Effect"] == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and statement.get("Action") == "s3:*"
        and statement.get("Condition") == OVER_PLAIN_HTTP
        for place in as_list(statement.get("Resource"))
    }
    for bucket in deployment.of_type(BUCKET):
        for place in (str(bucket), f"{bucket}/*"):
            if (str(bucket), place) not in closed:
                yield bucket, f"answers plain HTTP at {place}"
    counted = Counter(
        str(target(deployment, policy.stack, policy.properties["Bucket"])) for policy in deployment.of_type(POLICY)
    )
    for policy in deployment.of_type(POLICY):
        if counted[str(target(deployment, policy.stack, policy.properties["Bucket"]))] > 1:
            yield policy, "is one of several policies of a bucket, of which S3 keeps the last"


@rule("buckets-are-encrypted", "Whether objects are encrypted should not be for whoever looks to find out")
def buckets_are_encrypted(deployment: Deployment) -> Complaints:
    for bucket in deployment.of_type(BUCKET):
        configured = bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        algorithms = [each.get("ServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for each in configured]
        if algorithms not in (["AES256"], ["aws:kms"]):
            yield bucket, f"is encrypted by {algorithms}"


@rule("buckets-know-no-lists", "An access list lets in by object, where no policy and no rule here sees it")
def buckets_know_no_lists(deployment: Deployment) -> Complaints:
    for bucket in deployment.of_type(BUCKET):
        rules = bucket.properties.get("OwnershipControls", {}).get("Rules", [])
        if [each.get("ObjectOwnership") for each in rules] != ["BucketOwnerEnforced"]:
            yield bucket, "lets objects have access lists of their own"


@rule(
    "old-objects-come-back", "What was overwritten or deleted by mistake is gone without versions, paid for with them"
)
def old_objects_come_back(deployment: Deployment) -> Complaints:
    keeps = deployment.environment.retain_data
    for bucket in deployment.of_type(BUCKET):
        status = bucket.properties.get("VersioningConfiguration", {}).get("Status")
        if status != ("Enabled" if keeps else None):
            yield bucket, f"versioning is {status}, data is {'retained' if keeps else 'for trial'}"
        ends = [
            each["NoncurrentVersionExpiration"].get("NoncurrentDays")
            for each in lifecycle(bucket)
            if "NoncurrentVersionExpiration" in each and "Prefix" not in each
        ]
        if keeps and ends != [OLD_VERSIONS_DAYS]:
            yield bucket, f"old versions end after {ends} days"


@rule("parts-are-forgotten", "Parts of an upload that was never completed are paid for, and seen by no list of objects")
def parts_are_forgotten(deployment: Deployment) -> Complaints:
    for bucket in deployment.of_type(BUCKET):
        ends = [
            each["AbortIncompleteMultipartUpload"].get("DaysAfterInitiation")
            for each in lifecycle(bucket)
            if "AbortIncompleteMultipartUpload" in each and "Prefix" not in each
        ]
        if ends != [PARTS_DAYS]:
            yield bucket, f"parts of uploads end after {ends} days"


@rule(
    "pages-use-buckets-as-declared",
    "A link leads a page to S3 from nowhere, so all may read; a form that anybody's page sends is somebody's mistake",
)
def pages_use_buckets_as_declared(deployment: Deployment) -> Complaints:
    for service, declared, made in declared_buckets(deployment):
        rules = made.properties.get("CorsConfiguration", {}).get("CorsRules", []) if made is not None else []
        given = [
            (method, origin) for each in rules for method in each["AllowedMethods"] for origin in each["AllowedOrigins"]
        ]
        own = deployment.environment.origins_of(service.name) if declared.browser_methods else ()
        wanted = [
            (method, origin)
            for method in declared.browser_methods
            for origin in (("*",) if method in {"GET", "HEAD"} else own)
        ]
        if made is not None and sorted(given) != sorted(wanted):
            yield made, f"pages may {given}, and should {wanted}"
        if any("*" in header for each in rules for header in each.get("AllowedHeaders", [])) and made is not None:
            yield made, "pages may send any header"


@rule("buckets-tell-eventbridge", "A bucket that tells a queue or function waits for the stack that waits for it")
def buckets_tell_eventbridge(deployment: Deployment) -> Complaints:
    for bucket in deployment.of_type(BUCKET):
        told = bucket.properties.get("NotificationConfiguration")
        if told != {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}:
            yield bucket, f"tells {text(told)}"


@rule(
    "buckets-can-be-found", "CloudFormation names a bucket; who must empty or restore one asks the stack for the name"
)
def buckets_can_be_found(deployment: Deployment) -> Complaints:
    for bucket in deployment.of_type(BUCKET):
        said = [text(output.get("Value")) for output in bucket.stack.body.get("Outputs", {}).values()]
        if f"${{{bucket.logical_id}}}" not in said:
            yield bucket, "no output says its name"
        if "BucketName" in bucket.properties:
            yield bucket, "has a fixed name, which all accounts of the world share"
