"""Faults in buckets, in who may use them, and in what becomes of what is in them."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.infra.gates.buckets import LISTS, POLICY
from tests.infra.gates.data import BUCKET
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.references import as_list, text
from tests.infra.mutants.making import (
    NothingToBreak,
    add,
    caught_by,
    data_stack,
    function_of,
    has,
    lacking,
    pick,
    remove,
)
from tests.infra.mutants.of_rights import allow, let_in, statements

WITHOUT = lacking("buckets")
UNSEEN = ("AlgoItny", *WITHOUT)  # no page sees what is in its buckets, and its worker only deletes


def a_bucket(prod: Deployment) -> Resource:
    return pick(prod, BUCKET)


def on_objects(prod: Deployment, module: str, action: str) -> Json:
    """The first statement that lets a function do something with objects. Raises NothingToBreak."""
    for each in statements(prod, module):
        if f"s3:{action}" in as_list(each["Action"]):
            return each
    raise NothingToBreak(action)


def at(statement: Json, end: str) -> Any:
    """What a statement about objects is allowed on, with another end: from the name of the bucket on."""
    join = statement["Resource"]["Fn::Join"]
    return {"Fn::Join": [join[0], [*join[1][:-1], end]]}


def a_worker_that_lists(prod: Deployment) -> None:
    """A worker is declared to list what was uploaded, and may."""
    owner = prod.service_of(a_bucket(prod).stack)
    assert owner is not None
    first, *more = owner.buckets
    uploads, *others = first.prefixes
    listed = uploads._replace(done_by={**uploads.done_by, "worker": (*uploads.done_by["worker"], "ListBucket")})
    declared = replace(owner, buckets=(first._replace(prefixes=(listed, *others)), *more))
    prod.services = tuple(declared if each is owner else each for each in prod.services)
    allow(prod, "worker", LISTS, at(on_objects(prod, "worker", "GetObject"), ""))
    on_objects(prod, "worker", "ListBucket")["Condition"] = {"StringLike": {"s3:prefix": ["uploads/*"]}}


def variable(prod: Deployment) -> str:
    """Where functions find the name of the bucket."""
    owner = prod.service_of(a_bucket(prod).stack)
    assert owner is not None
    return owner.buckets[0].environment_variable


def lifecycle_with(prod: Deployment, name: str) -> Json:
    rules = a_bucket(prod).properties["LifecycleConfiguration"]["Rules"]
    found: Json = next(each for each in rules if name in each)
    return found


def cors(prod: Deployment, method: str) -> Json:
    """What pages may do with this method. Raises NothingToBreak where they may do nothing."""
    bucket = pick(prod, BUCKET, has("CorsConfiguration"))
    rules = bucket.properties["CorsConfiguration"]["CorsRules"]
    [found] = [each for each in rules if method in each["AllowedMethods"]]
    rule: Json = found
    return rule


# ---- the bucket ----------------------------------------------------------------------------------------------------


@caught_by("buckets-are-private", not_in=WITHOUT)
def a_bucket_may_be_opened_by_a_policy(prod: Deployment) -> None:
    a_bucket(prod).properties["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] = False


@caught_by("buckets-refuse-plain-http", not_in=WITHOUT)
def a_bucket_answers_plain_http(prod: Deployment) -> None:
    remove(pick(prod, POLICY))


@caught_by("buckets-refuse-plain-http", not_in=WITHOUT)
def objects_are_sent_in_the_clear(prod: Deployment) -> None:
    pick(prod, POLICY).properties["PolicyDocument"]["Statement"][0]["Resource"].pop()


@caught_by("buckets-refuse-plain-http", not_in=WITHOUT)
def plain_http_is_refused_to_one_service_alone(prod: Deployment) -> None:
    statement = pick(prod, POLICY).properties["PolicyDocument"]["Statement"][0]
    statement["Principal"] = {"Service": "cloudfront.amazonaws.com"}


@caught_by("buckets-refuse-plain-http", not_in=WITHOUT)
def a_bucket_has_two_policies(prod: Deployment) -> None:
    policy = pick(prod, POLICY)
    policy.stack.body["Resources"]["Second"] = deepcopy(policy.body)


@caught_by("policies-let-in-nobody-else", not_in=WITHOUT)
def everybody_may_read_a_bucket(prod: Deployment) -> None:
    pick(prod, POLICY).properties["PolicyDocument"]["Statement"] += let_in("*", "s3:GetObject")["Statement"]


@caught_by("policies-let-in-nobody-else", not_in=WITHOUT)
def a_distribution_of_anybody_may_read_a_bucket(prod: Deployment) -> None:
    statement = let_in({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")["Statement"]
    pick(prod, POLICY).properties["PolicyDocument"]["Statement"] += statement


@caught_by("buckets-are-encrypted", not_in=WITHOUT)
def a_bucket_does_not_say_how_it_is_encrypted(prod: Deployment) -> None:
    del a_bucket(prod).properties["BucketEncryption"]


@caught_by("buckets-know-no-lists", not_in=WITHOUT)
def an_object_may_have_an_access_list(prod: Deployment) -> None:
    owners = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    a_bucket(prod).properties["OwnershipControls"] = owners


@caught_by("old-objects-come-back", not_in=WITHOUT)
def what_is_overwritten_is_gone(prod: Deployment) -> None:
    a_bucket(prod).properties["VersioningConfiguration"] = {"Status": "Suspended"}


@caught_by("old-objects-come-back", not_in=WITHOUT)
def old_versions_are_paid_for_ever(prod: Deployment) -> None:
    lifecycle_with(prod, "NoncurrentVersionExpiration")["Status"] = "Disabled"


@caught_by("old-objects-come-back", not_in=WITHOUT)
def old_versions_go_at_once(prod: Deployment) -> None:
    lifecycle_with(prod, "NoncurrentVersionExpiration")["NoncurrentVersionExpiration"]["NoncurrentDays"] = 1


@caught_by("old-objects-come-back", environment="local", not_in=WITHOUT)
def a_trial_keeps_versions(local: Deployment) -> None:
    a_bucket(local).properties["VersioningConfiguration"] = {"Status": "Enabled"}


@caught_by("data-outlives-its-stack", not_in=WITHOUT)
def a_removed_bucket_is_deleted(prod: Deployment) -> None:
    a_bucket(prod).body["DeletionPolicy"] = "Delete"


@caught_by("trial-data-goes-away", environment="local", not_in=WITHOUT)
def a_trial_leaves_its_bucket(local: Deployment) -> None:
    a_bucket(local).body["DeletionPolicy"] = "Retain"


@caught_by("parts-are-forgotten", not_in=WITHOUT)
def parts_of_uploads_stay_for_ever(prod: Deployment) -> None:
    lifecycle_with(prod, "AbortIncompleteMultipartUpload")["Status"] = "Disabled"


@caught_by("parts-are-forgotten", not_in=WITHOUT)
def parts_of_some_uploads_stay(prod: Deployment) -> None:
    lifecycle_with(prod, "AbortIncompleteMultipartUpload")["Prefix"] = "uploads/"


@caught_by("buckets-are-as-declared", not_in=WITHOUT)
def everything_in_a_bucket_expires(prod: Deployment) -> None:
    del lifecycle_with(prod, "ExpirationInDays")["Prefix"]


@caught_by("buckets-are-as-declared", not_in=WITHOUT)
def uploads_are_kept_for_ever(prod: Deployment) -> None:
    lifecycle_with(prod, "ExpirationInDays")["Status"] = "Disabled"


@caught_by("buckets-are-as-declared")
def a_bucket_is_declared_by_nobody(prod: Deployment) -> None:
    add(data_stack(prod), "Spare", BUCKET)


@caught_by("objects-stay-as-promised", not_in=WITHOUT)
def uploads_are_kept_for_longer_than_promised(prod: Deployment) -> None:
    lifecycle_with(prod, "ExpirationInDays")["ExpirationInDays"] = 7


@caught_by("buckets-tell-eventbridge", not_in=WITHOUT)
def a_bucket_tells_nobody(prod: Deployment) -> None:
    del a_bucket(prod).properties["NotificationConfiguration"]


@caught_by("buckets-tell-eventbridge", not_in=WITHOUT)
def a_bucket_waits_for_a_queue(prod: Deployment) -> None:
    queue = {"Queue": "arn:aws:sqs:us-east-1:111122223333:elsewhere", "Event": "s3:ObjectCreated:*"}
    a_bucket(prod).properties["NotificationConfiguration"]["QueueConfigurations"] = [queue]


@caught_by("buckets-can-be-found", not_in=WITHOUT)
def the_name_of_a_bucket_is_said_nowhere(prod: Deployment) -> None:
    bucket = a_bucket(prod)
    outputs = bucket.stack.body["Outputs"]
    del outputs[next(name for name, each in outputs.items() if each["Value"] == {"Ref": bucket.logical_id})]


@caught_by("buckets-can-be-found", not_in=WITHOUT)
def the_name_of_a_bucket_may_be_taken_already(prod: Deployment) -> None:
    a_bucket(prod).properties["BucketName"] = "audio-prod"


@caught_by("what-is-billed-carries-tags", not_in=WITHOUT)
def a_bucket_is_on_no_bill(prod: Deployment) -> None:
    del a_bucket(prod).properties["Tags"]


@caught_by("local-cloud-takes-it", environment="local")
def keys_of_a_distribution_stand_in_the_local_cloud(local: Deployment) -> None:
    add(data_stack(local), "Signing", "AWS::CloudFront::PublicKey")


@caught_by("local-cloud-takes-it", environment="local")
def a_group_of_keys_stands_in_the_local_cloud(local: Deployment) -> None:
    add(data_stack(local), "Signing", "AWS::CloudFront::KeyGroup")


@caught_by("local-cloud-takes-it", environment="local")
def a_distribution_stands_in_the_local_cloud(local: Deployment) -> None:
    add(data_stack(local), "Files", "AWS::CloudFront::Distribution")


# ---- pages ---------------------------------------------------------------------------------------------------------


@caught_by("pages-use-buckets-as-declared", not_in=UNSEEN)
def only_some_pages_may_read_what_a_signed_url_shows(prod: Deployment) -> None:
    cors(prod, "GET")["AllowedOrigins"] = ["https://elsewhere.example"]


@caught_by("pages-use-buckets-as-declared", not_in=UNSEEN)
def every_page_may_upload(prod: Deployment) -> None:
    cors(prod, "POST")["AllowedOrigins"] = ["*"]


@caught_by("pages-use-buckets-as-declared", not_in=UNSEEN)
def a_page_of_somebody_may_upload(prod: Deployment) -> None:
    cors(prod, "POST")["AllowedOrigins"].append("https://elsewhere.example")


@caught_by("pages-use-buckets-as-declared", not_in=UNSEEN)
def the_own_page_may_not_upload(prod: Deployment) -> None:
    cors(prod, "POST")["AllowedOrigins"] = ["https://moved-from.example"]


@caught_by("pages-use-buckets-as-declared", not_in=UNSEEN)
def pages_may_delete(prod: Deployment) -> None:
    cors(prod, "GET")["AllowedMethods"].append("DELETE")


@caught_by("pages-use-buckets-as-declared", not_in=UNSEEN)
def pages_may_send_any_header(prod: Deployment) -> None:
    cors(prod, "POST")["AllowedHeaders"] = ["*"]


@caught_by("objects-stay-as-promised", not_in=UNSEEN)
def a_player_does_not_see_which_part_it_got(prod: Deployment) -> None:
    cors(prod, "GET")["ExposedHeaders"].remove("Content-Range")


# ---- rights --------------------------------------------------------------------------------------------------------


@caught_by("no-wildcard-resources", not_in=WITHOUT)
def an_api_may_write_all_objects(prod: Deployment) -> None:
    statement = on_objects(prod, "api", "PutObject")
    statement["Resource"] = at(statement, "/*")


@caught_by("no-wildcard-resources", not_in=WITHOUT)
def an_api_may_write_below_the_beginning_of_a_name(prod: Deployment) -> None:
    statement = on_objects(prod, "api", "PutObject")
    statement["Resource"] = at(statement, "/up*")


@caught_by("no-wildcard-resources", not_in=WITHOUT)
def an_api_may_write_to_a_bucket_that_is_not_ours(prod: Deployment) -> None:
    on_objects(prod, "api", "PutObject")["Resource"] = "arn:aws:s3:::theirs/uploads/*"


@caught_by("no-wildcard-resources")
def a_worker_may_use_every_bucket(prod: Deployment) -> None:
    allow(prod, "worker", "s3:GetObject", "*")


@caught_by("no-wildcard-actions", not_in=UNSEEN)
def a_worker_may_do_everything_with_objects(prod: Deployment) -> None:
    on_objects(prod, "worker", "GetObject")["Action"] = "s3:*"


@caught_by("roles-do-what-is-declared", not_in=UNSEEN)
def an_api_may_delete_what_is_shown(prod: Deployment) -> None:
    statement = on_objects(prod, "api", "GetObject")
    allow(prod, "api", "s3:DeleteObject", statement["Resource"])


@caught_by("roles-do-what-is-declared", not_in=WITHOUT)
def an_api_may_write_below_another_prefix(prod: Deployment) -> None:
    statement = on_objects(prod, "api", "PutObject")
    statement["Resource"] = at(statement, "/media/*")


@caught_by("roles-do-what-is-declared", not_in=UNSEEN)
def a_worker_may_not_read_uploads(prod: Deployment) -> None:
    on_objects(prod, "worker", "GetObject")["Action"] = ["s3:DeleteObject"]


@caught_by("roles-do-what-is-declared", not_in=UNSEEN, given=a_worker_that_lists)
def a_worker_may_list_the_whole_bucket(prod: Deployment) -> None:
    del on_objects(prod, "worker", "ListBucket")["Condition"]


@caught_by("roles-do-what-is-declared", not_in=UNSEEN, given=a_worker_that_lists)
def a_worker_may_list_a_prefix_more(prod: Deployment) -> None:
    on_objects(prod, "worker", "ListBucket")["Condition"]["StringLike"]["s3:prefix"].append("*")


@caught_by("statements-only-allow", not_in=UNSEEN, given=a_worker_that_lists)
def a_list_depends_on_more_than_its_prefix(prod: Deployment) -> None:
    on_objects(prod, "worker", "ListBucket")["Condition"]["Bool"] = {"aws:MultiFactorAuthPresent": "true"}


@caught_by("statements-only-allow", not_in=UNSEEN)
def an_object_is_read_on_a_condition_for_lists(prod: Deployment) -> None:
    on_objects(prod, "worker", "GetObject")["Condition"] = {"StringLike": {"s3:prefix": ["uploads/*"]}}


@caught_by("variables-lead-where-declared", not_in=WITHOUT)
def a_function_is_not_told_of_its_bucket(prod: Deployment) -> None:
    del function_of(prod, "api").properties["Environment"]["Variables"][variable(prod)]


@caught_by("variables-lead-where-declared", not_in=WITHOUT)
def a_function_is_told_of_a_bucket_by_text(prod: Deployment) -> None:
    function_of(prod, "worker").properties["Environment"]["Variables"][variable(prod)] = "audio"


@caught_by("dashboards-show-what-there-is", not_in=WITHOUT)
def nobody_sees_how_large_a_bucket_is(prod: Deployment) -> None:
    dashboard = pick(prod, "AWS::CloudWatch::Dashboard")
    dashboard.properties["DashboardBody"] = text(dashboard.properties["DashboardBody"]).replace(
        "BucketSizeBytes", "NumberOfObjects"
    )
