"""Rules about distributions of CloudFront: what they lead to, for whom, and that nothing of an API is kept there."""

from collections.abc import Iterator
from typing import Any

from tests.infra.gates.buckets import POLICY, bucket_of_objects
from tests.infra.gates.data import BUCKET, SECRET
from tests.infra.gates.declared import asker_of, functions_of_services, variables_of
from tests.infra.gates.http import API
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.principals import DISTRIBUTION, reader_of
from tests.infra.gates.promises import as_promised
from tests.infra.gates.references import as_list, references, target, text

KEY = "AWS::CloudFront::PublicKey"
KEYS = "AWS::CloudFront::KeyGroup"
ACCESS = "AWS::CloudFront::OriginAccessControl"
FLAG = "enable_cloudfront"
HTTPS = "https-only"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html, and of origin
# requests; only their ids can be named.
NOTHING_KEPT = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
KEPT_BY_PATH = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_BUT_THE_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
READ_BY_PAGES = "5cc3b908-e619-4b99-88e5-2cf7f45965bd"
REGIONAL = ".${AWS::Region}.${AWS::URLSuffix}"


def config(distribution: Resource) -> Json:
    found: Json = distribution.properties["DistributionConfig"]
    return found


def behaviors(distribution: Resource) -> Iterator[tuple[str, Json]]:
    """(path, behavior) of each; the default one is for every other path."""
    yield "*", config(distribution)["DefaultCacheBehavior"]
    yield from ((each["PathPattern"], each) for each in config(distribution).get("CacheBehaviors", []))


def origin(deployment: Deployment, distribution: Resource, behavior: Json) -> tuple[Json, Resource | None]:
    """The origin of a behavior, and the API or bucket of ours that it is."""
    for each in config(distribution)["Origins"]:
        if each["Id"] == behavior["TargetOriginId"]:
            domain = text(each["DomainName"])
            host, _, rest = domain.partition("}")
            named = target(deployment, distribution.stack, {"Fn::Sub": f"{host}}}"})
            kinds = {f".execute-api{REGIONAL}": API, f".s3{REGIONAL}": BUCKET}
            return each, named if named is not None and named.type == kinds.get(rest) else None
    return {}, None


def keys_of(deployment: Deployment, distribution: Resource, behavior: Json) -> list[Resource]:
    """The keys that sign for a behavior, in the order of their group; none when anything is not ours."""
    groups = [target(deployment, distribution.stack, each) for each in behavior.get("TrustedKeyGroups", [])]
    if not groups or any(group is None or group.type != KEYS for group in groups):
        return []
    named = [
        target(deployment, group.stack, item)
        for group in groups
        if group is not None
        for item in group.properties["KeyGroupConfig"]["Items"]
    ]
    keys = [key for key in named if key is not None and key.type == KEY]
    return keys if len(keys) == len(named) else []


@rule(
    "distributions-stand-where-asked", "One that nobody asked for is a second door; one that was asked for is told of"
)
def distributions_stand_where_asked(deployment: Deployment) -> Complaints:
    for service in deployment.services:
        mine = deployment.of_service(service)
        asked = deployment.environment.enable_cloudfront and FLAG in [flag.name for flag in service.flags]
        found = list(mine.of_type(DISTRIBUTION))
        if len(found) != int(asked):
            yield next(iter(mine.stacks.values())), f"has {len(found)} distributions, asked for {int(asked)}"


@rule("distributions-lead-to-their-service", "A domain that is not ours answers people in our name")
def distributions_lead_to_their_service(deployment: Deployment) -> Complaints:
    for distribution in deployment.of_type(DISTRIBUTION):
        service = deployment.service_of(distribution.stack)
        for path, behavior in behaviors(distribution):
            its, goal = origin(deployment, distribution, behavior)
            if goal is None or deployment.service_of(goal.stack) is not service:
                yield distribution, f"leads {path} to {text(its.get('DomainName'))}"
            elif (goal.type == API) is not (path == "*"):
                yield distribution, f"leads {path} to {goal.logical_id}"
            elif its.get("OriginPath"):
                yield distribution, f"leads {path} below {its['OriginPath']}"


@rule("files-are-shown-to-signatures-alone", "Without a key group whoever guesses a path reads the file behind it")
def files_are_shown_to_signatures_alone(deployment: Deployment) -> Complaints:
    for distribution in deployment.of_type(DISTRIBUTION):
        for path, behavior in behaviors(distribution):
            its, goal = origin(deployment, distribution, behavior)
            if goal is not None and goal.type == BUCKET:
                access = target(deployment, distribution.stack, its.get("OriginAccessControlId"))
                control = access.properties["OriginAccessControlConfig"] if access and access.type == ACCESS else {}
                wanted = ("s3", "always", "sigv4")
                names = ("OriginAccessControlOriginType", "SigningBehavior", "SigningProtocol")
                if tuple(control.get(name) for name in names) != wanted:
                    yield distribution, f"asks the bucket for {path} by {control or 'no right of its own'}"
                if not keys_of(deployment, distribution, behavior):
                    yield distribution, f"shows {path} to everybody"


@rule("distributions-may-read", "A bucket that does not know its distribution answers 403 to every signed address")
def distributions_may_read(deployment: Deployment) -> Complaints:
    may = {
        (str(reader), str(bucket_of_objects(deployment, policy, place)), text(place).rpartition("}")[2])
        for policy in deployment.of_type(POLICY)
        for statement in as_list(policy.properties["PolicyDocument"]["Statement"])
        for reader in [reader_of(deployment, policy, statement)]
        for place in as_list(statement.get("Resource"))
        if reader is not None
    }
    for distribution in deployment.of_type(DISTRIBUTION):
        wanted = {
            (str(distribution), str(goal), path)
            for path, behavior in behaviors(distribution)
            for _, goal in [origin(deployment, distribution, behavior)]
            if goal is not None and goal.type == BUCKET
        }
        for _, bucket, path in sorted({each for each in may if each[0] == str(distribution)} ^ wanted):
            yield (
                distribution,
                f"{'may not read' if (str(distribution), bucket, path) in wanted else 'may read'} {path}",
            )


@rule(
    "distributions-speak-https", "What crosses a network in the clear once is no secret any more, signatures included"
)
def distributions_speak_https(deployment: Deployment) -> Complaints:
    for distribution in deployment.of_type(DISTRIBUTION):
        for path, behavior in behaviors(distribution):
            if behavior.get("ViewerProtocolPolicy") != HTTPS:
                yield distribution, f"answers {path} by {behavior.get('ViewerProtocolPolicy')}"
        for each in config(distribution)["Origins"]:
            custom = each.get("CustomOriginConfig")
            if custom is not None and custom != {"OriginProtocolPolicy": HTTPS, "OriginSSLProtocols": ["TLSv1.2"]}:
                yield distribution, f"asks {text(each['DomainName'])} by {custom}"


@rule("answers-are-not-kept", "An answer that is kept on its way is shown to the next who asks, whoever that is")
def answers_are_not_kept(deployment: Deployment) -> Complaints:
    for distribution in deployment.of_type(DISTRIBUTION):
        for path, behavior in behaviors(distribution):
            _, goal = origin(deployment, distribution, behavior)
            is_api = goal is not None and goal.type == API
            wanted = (NOTHING_KEPT, ALL_BUT_THE_HOST) if is_api else (KEPT_BY_PATH, None)
            if (behavior.get("CachePolicyId"), behavior.get("OriginRequestPolicyId")) != wanted:
                yield distribution, f"keeps what it was answered at {path}, or hands on something else"


@rule(
    "pages-read-what-is-shown", "A bucket that is never told of an origin never allows it, and the page plays nothing"
)
def pages_read_what_is_shown(deployment: Deployment) -> Complaints:
    for distribution in deployment.of_type(DISTRIBUTION):
        for path, behavior in behaviors(distribution):
            _, goal = origin(deployment, distribution, behavior)
            is_read = goal is not None and goal.type == BUCKET and _is_read_by_every_page(goal)
            wanted = READ_BY_PAGES if is_read else None  # an API says itself which pages may read
            if behavior.get("ResponseHeadersPolicyId") != wanted:
                yield distribution, f"tells pages {behavior.get('ResponseHeadersPolicyId') or 'nothing'} of {path}"


def _is_read_by_every_page(bucket: Resource) -> bool:
    rules = bucket.properties.get("CorsConfiguration", {}).get("CorsRules", [])
    return any("*" in each["AllowedOrigins"] and "GET" in each["AllowedMethods"] for each in rules)


@rule("signers-know-their-key", "Addresses that another key signed, or that lead elsewhere, are 403 to every player")
def signers_know_their_key(deployment: Deployment) -> Complaints:
    for service, function in functions_of_services(deployment):
        told = variables_of(function)
        given = {name: told.get(name) for name in ("MEDIA_BASE_URL", "CLOUDFRONT_KEY_PAIR_ID")}
        shown = [each for each in function.stack.resources.values() if each.type == DISTRIBUTION]
        wanted: dict[str, Any] = dict.fromkeys(given)
        for distribution in shown if asker_of(function) == "api" else ():
            keys = [key for _, each in behaviors(distribution) for key in keys_of(deployment, distribution, each)]
            wanted["MEDIA_BASE_URL"] = f"https://${{{distribution.logical_id}.DomainName}}"
            wanted["CLOUDFRONT_KEY_PAIR_ID"] = f"${{{keys[0].logical_id}}}" if keys else None
        for name, value in given.items():
            if (value if value is None else text(value)) != wanted[name]:
                yield function, f"{name} is {text(value)}, wanted is {wanted[name]}"
        secret = target(deployment, function.stack, told.get("CLOUDFRONT_PRIVATE_KEY_SECRET_ARN"))
        has_secret = secret is not None and secret.type == SECRET and deployment.service_of(secret.stack) is service
        if has_secret is not (wanted["MEDIA_BASE_URL"] is not None):
            yield function, f"signs with {text(told.get('CLOUDFRONT_PRIVATE_KEY_SECRET_ARN'))}"


@rule(
    "trusted-keys-are-the-environments", "A key that nobody wrote down may sign for every file, and nobody knows whose"
)
def trusted_keys_are_the_environments(deployment: Deployment) -> Complaints:
    for key in deployment.of_type(KEY):
        service = deployment.service_of(key.stack)
        known = deployment.environment.media_public_keys.get(service.name if service else "", ())
        encoded = key.properties["PublicKeyConfig"]["EncodedKey"]
        asked = [name for name, _ in references(encoded)]
        if encoded not in known and (known or asked not in [[each] for each in key.stack.body.get("Parameters", {})]):
            yield key, f"is {text(encoded)[:60]}"


def _shown(distribution: Resource) -> list[str]:
    its = config(distribution)
    paths = [
        f"{path}: {', '.join(behavior.get('AllowedMethods', ()))} to {behavior['TargetOriginId']}"
        for path, behavior in behaviors(distribution)
    ]
    on = "on" if its.get("Enabled") else "off"
    return [f"{on}, {its.get('HttpVersion')}, {its.get('PriceClass')}, IPv6 {its.get('IPV6Enabled')}", *paths]


SHOWN = as_promised(
    "distributions-are-as-promised",
    "Where files are kept near to people is a price, and a method less is a page that cannot write",
    "distributions",
    (DISTRIBUTION,),
    _shown,
)
