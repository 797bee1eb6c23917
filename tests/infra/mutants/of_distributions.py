"""Faults in distributions of CloudFront, in jobs of Amazon Transcribe, and in who may use either."""

from tests.infra.gates.buckets import POLICY
from tests.infra.gates.distributions import ACCESS, KEY, KEYS, config
from tests.infra.gates.model import Deployment, Json
from tests.infra.gates.principals import DISTRIBUTION
from tests.infra.gates.references import as_list
from tests.infra.mutants.making import NothingToBreak, add, app_stack, caught_by, function_of, lacking, pick
from tests.infra.mutants.of_rights import allow, statements

FLAGS = "with-flags"
WITHOUT = lacking("flags")
WITHOUT_JOBS = lacking("jobs")
THEIRS = "theirs.example"


def settings(prod: Deployment) -> Json:
    return config(pick(prod, DISTRIBUTION))


def files(prod: Deployment) -> Json:
    """The behavior that shows files."""
    found: Json = settings(prod)["CacheBehaviors"][0]
    return found


def leave(prod: Deployment) -> Json:
    """The statement that lets the distribution read."""
    for statement in pick(prod, POLICY).properties["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            found: Json = statement
            return found
    raise NothingToBreak(POLICY)


def told(prod: Deployment) -> Json:
    pick(prod, DISTRIBUTION)
    found: Json = function_of(prod, "api").properties["Environment"]["Variables"]
    return found


# ---- what it leads to ----------------------------------------------------------------------------------------------


@caught_by("distributions-stand-where-asked")
def a_distribution_stands_where_nobody_asked(prod: Deployment) -> None:
    add(app_stack(prod), "Spare", DISTRIBUTION, DistributionConfig={"DefaultCacheBehavior": {}, "Origins": []})


@caught_by("distributions-stand-where-asked", environment=FLAGS, not_in=WITHOUT)
def a_distribution_that_was_asked_for_is_not_there(prod: Deployment) -> None:
    distribution = pick(prod, DISTRIBUTION)
    del distribution.stack.body["Resources"][distribution.logical_id]


@caught_by("distributions-lead-to-their-service", environment=FLAGS, not_in=WITHOUT)
def requests_to_an_api_go_to_somebody(prod: Deployment) -> None:
    settings(prod)["Origins"][0]["DomainName"] = THEIRS


@caught_by("distributions-lead-to-their-service", environment=FLAGS, not_in=WITHOUT)
def files_come_from_the_bucket_of_somebody(prod: Deployment) -> None:
    settings(prod)["Origins"][1]["DomainName"] = "theirs.s3.eu-central-1.amazonaws.com"


@caught_by("distributions-lead-to-their-service", environment=FLAGS, not_in=WITHOUT)
def every_path_leads_to_the_bucket(prod: Deployment) -> None:
    settings(prod)["DefaultCacheBehavior"]["TargetOriginId"] = files(prod)["TargetOriginId"]


@caught_by("distributions-lead-to-their-service", environment=FLAGS, not_in=WITHOUT)
def files_are_looked_for_below_another_path(prod: Deployment) -> None:
    settings(prod)["Origins"][1]["OriginPath"] = "/media"


# ---- for whom ------------------------------------------------------------------------------------------------------


@caught_by("files-are-shown-to-signatures-alone", environment=FLAGS, not_in=WITHOUT)
def files_are_shown_to_everybody(prod: Deployment) -> None:
    del files(prod)["TrustedKeyGroups"]


@caught_by("files-are-shown-to-signatures-alone", environment=FLAGS, not_in=WITHOUT)
def files_are_shown_to_whom_somebody_signs_for(prod: Deployment) -> None:
    files(prod)["TrustedKeyGroups"] = ["11112222-3333-4444-5555-666677778888"]


@caught_by("files-are-shown-to-signatures-alone", environment=FLAGS, not_in=WITHOUT)
def a_key_of_somebody_signs_as_well(prod: Deployment) -> None:
    pick(prod, KEYS).properties["KeyGroupConfig"]["Items"].append("K1THEIRS")


@caught_by("files-are-shown-to-signatures-alone", environment=FLAGS, not_in=WITHOUT)
def a_bucket_is_asked_as_anybody_would(prod: Deployment) -> None:
    del settings(prod)["Origins"][1]["OriginAccessControlId"]


@caught_by("files-are-shown-to-signatures-alone", environment=FLAGS, not_in=WITHOUT)
def a_bucket_is_asked_in_the_name_of_who_asks(prod: Deployment) -> None:
    pick(prod, ACCESS).properties["OriginAccessControlConfig"]["SigningBehavior"] = "no-override"


@caught_by("trusted-keys-are-the-environments", environment=FLAGS, not_in=WITHOUT)
def a_key_that_nobody_wrote_down_signs(prod: Deployment) -> None:
    pick(prod, KEY).properties["PublicKeyConfig"]["EncodedKey"] = "-----BEGIN PUBLIC KEY-----"


@caught_by("distributions-may-read", environment=FLAGS, not_in=WITHOUT)
def a_bucket_does_not_know_its_distribution(prod: Deployment) -> None:
    leave(prod)["Effect"] = "Deny"


@caught_by("distributions-may-read", environment=FLAGS, not_in=WITHOUT)
def a_distribution_may_read_uploads_instead(prod: Deployment) -> None:
    leave(prod)["Resource"]["Fn::Join"][1][-1] = "/uploads/*"


@caught_by("policies-let-in-nobody-else", environment=FLAGS, not_in=WITHOUT)
def a_distribution_may_read_the_whole_bucket(prod: Deployment) -> None:
    leave(prod)["Resource"]["Fn::Join"][1][-1] = "/*"


@caught_by("policies-let-in-nobody-else", environment=FLAGS, not_in=WITHOUT)
def a_distribution_may_delete(prod: Deployment) -> None:
    leave(prod)["Action"] = ["s3:GetObject", "s3:DeleteObject"]


@caught_by("policies-let-in-nobody-else", environment=FLAGS, not_in=WITHOUT)
def every_distribution_of_the_account_may_read(prod: Deployment) -> None:
    leave(prod)["Condition"] = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@caught_by("policies-let-in-nobody-else", environment=FLAGS, not_in=WITHOUT)
def a_distribution_of_somebody_may_read(prod: Deployment) -> None:
    arn = "arn:aws:cloudfront::999988887777:distribution/E1THEIRS"
    leave(prod)["Condition"]["StringEquals"]["aws:SourceArn"] = arn


# ---- how -----------------------------------------------------------------------------------------------------------


@caught_by("distributions-speak-https", environment=FLAGS, not_in=WITHOUT)
def files_are_shown_in_the_clear(prod: Deployment) -> None:
    files(prod)["ViewerProtocolPolicy"] = "allow-all"


@caught_by("distributions-speak-https", environment=FLAGS, not_in=WITHOUT)
def an_api_is_asked_in_the_clear(prod: Deployment) -> None:
    settings(prod)["Origins"][0]["CustomOriginConfig"]["OriginProtocolPolicy"] = "match-viewer"


@caught_by("distributions-speak-https", environment=FLAGS, not_in=WITHOUT)
def an_api_is_asked_by_an_old_protocol(prod: Deployment) -> None:
    settings(prod)["Origins"][0]["CustomOriginConfig"]["OriginSSLProtocols"] = ["TLSv1"]


@caught_by("answers-are-not-kept", environment=FLAGS, not_in=WITHOUT)
def the_library_of_one_is_shown_to_the_next(prod: Deployment) -> None:
    settings(prod)["DefaultCacheBehavior"]["CachePolicyId"] = files(prod)["CachePolicyId"]


@caught_by("answers-are-not-kept", environment=FLAGS, not_in=WITHOUT)
def an_api_is_asked_without_what_signs_people_in(prod: Deployment) -> None:
    del settings(prod)["DefaultCacheBehavior"]["OriginRequestPolicyId"]


@caught_by("pages-read-what-is-shown", environment=FLAGS, not_in=WITHOUT)
def pages_may_not_read_the_files_they_play(prod: Deployment) -> None:
    del files(prod)["ResponseHeadersPolicyId"]


@caught_by("pages-read-what-is-shown", environment=FLAGS, not_in=WITHOUT)
def pages_of_every_origin_read_what_an_api_answers(prod: Deployment) -> None:
    settings(prod)["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] = files(prod)["ResponseHeadersPolicyId"]


@caught_by("distributions-are-as-promised", environment=FLAGS, not_in=WITHOUT)
def pages_may_no_longer_write_through_a_distribution(prod: Deployment) -> None:
    settings(prod)["DefaultCacheBehavior"]["AllowedMethods"] = ["GET", "HEAD"]


@caught_by("distributions-are-as-promised", environment=FLAGS, not_in=WITHOUT)
def files_are_kept_all_over_the_world(prod: Deployment) -> None:
    settings(prod)["PriceClass"] = "PriceClass_All"


# ---- what the API is told ------------------------------------------------------------------------------------------


@caught_by("signers-know-their-key", environment=FLAGS, not_in=WITHOUT)
def an_api_signs_with_the_key_before(prod: Deployment) -> None:
    items = pick(prod, KEYS).properties["KeyGroupConfig"]["Items"]
    told(prod)["CLOUDFRONT_KEY_PAIR_ID"] = items[1]


@caught_by("signers-know-their-key", environment=FLAGS, not_in=WITHOUT)
def an_api_gives_out_files_of_another_address(prod: Deployment) -> None:
    told(prod)["MEDIA_BASE_URL"] = f"https://{THEIRS}"


@caught_by("signers-know-their-key", environment=FLAGS, not_in=WITHOUT)
def an_api_does_not_know_where_its_key_is(prod: Deployment) -> None:
    del told(prod)["CLOUDFRONT_PRIVATE_KEY_SECRET_ARN"]


@caught_by("functions-know-their-own-address", environment=FLAGS, not_in=WITHOUT)
def links_lead_past_the_distribution(prod: Deployment) -> None:
    variables, api = told(prod), pick(prod, "AWS::ApiGatewayV2::Api")
    variables["PUBLIC_URL"] = {"Fn::GetAtt": [api.logical_id, "ApiEndpoint"]}


# ---- jobs of Amazon Transcribe -------------------------------------------------------------------------------------


def on_jobs(prod: Deployment, module: str) -> Json:
    """The statement about jobs of its own. Raises NothingToBreak."""
    for each in statements(prod, module):
        if "transcribe:DeleteTranscriptionJob" in as_list(each["Action"]):
            return each
    raise NothingToBreak("transcribe")


def named(prod: Deployment, module: str, names: str) -> None:
    parts = on_jobs(prod, module)["Resource"]["Fn::Join"][1]
    parts[-1] = parts[-1].rpartition("/")[0] + f"/{names}"


@caught_by("no-wildcard-resources", not_in=WITHOUT_JOBS)
def a_worker_may_delete_every_job_of_the_account(prod: Deployment) -> None:
    named(prod, "worker", "*")


@caught_by("no-wildcard-resources", not_in=WITHOUT_JOBS)
def a_worker_may_delete_jobs_of_every_environment(prod: Deployment) -> None:
    named(prod, "worker", "yss-*")


@caught_by("no-wildcard-resources", not_in=WITHOUT_JOBS)
def a_worker_may_delete_jobs_of_an_environment_that_begins_alike(prod: Deployment) -> None:
    named(prod, "worker", "yss-prod*")


@caught_by("no-wildcard-resources", not_in=WITHOUT_JOBS)
def a_worker_may_delete_jobs_of_another_account(prod: Deployment) -> None:
    parts = on_jobs(prod, "worker")["Resource"]["Fn::Join"][1]
    parts[parts.index({"Ref": "AWS::AccountId"})] = "999988887777"


@caught_by("no-wildcard-resources")
def a_worker_may_read_every_vocabulary(prod: Deployment) -> None:
    allow(prod, "worker", "transcribe:GetVocabulary", "*")


@caught_by("roles-do-what-is-declared", not_in=WITHOUT_JOBS)
def an_api_may_start_jobs(prod: Deployment) -> None:
    on_jobs(prod, "worker")
    allow(prod, "api", "transcribe:StartTranscriptionJob", "*")


@caught_by("roles-do-what-is-declared", not_in=WITHOUT_JOBS)
def a_worker_may_not_stop_a_job(prod: Deployment) -> None:
    on_jobs(prod, "worker")["Action"] = "transcribe:GetTranscriptionJob"
