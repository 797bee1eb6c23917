"""Faults in functions and in the variables they are given."""

from typing import Any

from tests.infra.gates.functions import LOG_GROUP
from tests.infra.gates.model import Deployment, Resource
from tests.infra.gates.references import FUNCTION, VERSION
from tests.infra.mutants.making import NothingToBreak, add, app_stack, caught_by, function_of, has, lacking, pick

GENERATED = "9fQ2xLr7TzKp4WmVb8NcYh3D"


def functions(prod: Deployment) -> list[Resource]:
    return list(prod.of_type(FUNCTION))


def variables(prod: Deployment) -> dict[str, Any]:
    found: dict[str, Any] = pick(prod, FUNCTION, has("Environment")).properties["Environment"]["Variables"]
    return found


@caught_by("functions-have-their-own-role")
def two_functions_share_a_role(prod: Deployment) -> None:
    first, second, *_ = functions(prod)
    second.properties["Role"] = first.properties["Role"]


@caught_by("functions-have-their-own-role")
def a_function_has_a_role_of_somebody_else(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["Role"] = "arn:aws:iam::111122223333:role/admin"


@caught_by("functions-stay-outside-vpcs")
def a_function_is_in_a_vpc(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["VpcConfig"] = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}


@caught_by("functions-run-what-was-tested")
def a_function_runs_another_python(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["Runtime"] = "python3.12"


@caught_by("functions-run-what-was-tested")
def a_function_runs_on_another_processor(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["Architectures"] = ["x86_64"]


@caught_by("functions-have-limits")
def a_function_has_three_seconds(prod: Deployment) -> None:
    del pick(prod, FUNCTION).properties["Timeout"]


@caught_by("functions-have-limits")
def a_function_has_128_megabytes(prod: Deployment) -> None:
    del pick(prod, FUNCTION).properties["MemorySize"]


@caught_by("functions-are-traced")
def a_function_is_not_traced(prod: Deployment) -> None:
    del pick(prod, FUNCTION).properties["TracingConfig"]


@caught_by("functions-log-json-to-their-own-group")
def a_function_logs_text(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["LoggingConfig"]["LogFormat"] = "Text"


@caught_by("functions-log-json-to-their-own-group")
def a_function_logs_to_the_group_that_lambda_makes(prod: Deployment) -> None:
    del pick(prod, FUNCTION).properties["LoggingConfig"]["LogGroup"]


@caught_by("functions-log-json-to-their-own-group")
def two_functions_log_to_one_group(prod: Deployment) -> None:
    first, second, *_ = functions(prod)
    second.properties["LoggingConfig"] = first.properties["LoggingConfig"]


@caught_by("log-groups-forget")
def a_log_group_keeps_every_line(prod: Deployment) -> None:
    del pick(prod, LOG_GROUP).properties["RetentionInDays"]


@caught_by("log-groups-forget")
def a_log_group_of_production_forgets_like_one_of_dev(prod: Deployment) -> None:
    pick(prod, LOG_GROUP).properties["RetentionInDays"] = 7


@caught_by("handlers-are-in-the-bundle")
def a_handler_is_not_in_its_bundle(prod: Deployment) -> None:
    function = pick(prod, FUNCTION)
    function.properties["Handler"] = function.properties["Handler"].replace(".services.", ".service.")


@caught_by("handlers-are-in-the-bundle")
def a_function_runs_code_that_was_never_uploaded(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["Code"]["S3Key"] = f"{'0' * 64}.zip"


@caught_by("handlers-are-in-the-bundle")
def a_function_has_its_code_in_the_template(prod: Deployment) -> None:
    pick(prod, FUNCTION).properties["Code"] = {"ZipFile": "def handler(event, context): ..."}


@caught_by("snapshots-are-of-versions")
def snap_start_is_on_where_no_version_is_published(prod: Deployment) -> None:
    versions = {str(version.properties["FunctionName"]) for version in prod.of_type(VERSION)}
    function = pick(prod, FUNCTION, lambda each: str({"Ref": each.logical_id}) not in versions)
    function.properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}


@caught_by("what-is-billed-carries-tags")
def a_function_is_on_nobodys_bill(prod: Deployment) -> None:
    del pick(prod, FUNCTION).properties["Tags"]


@caught_by("what-is-billed-carries-tags")
def a_log_group_of_production_is_on_the_bill_of_dev(prod: Deployment) -> None:
    tags = pick(prod, LOG_GROUP).properties["Tags"]
    next(tag for tag in tags if tag["Key"] == "environment")["Value"] = "dev"


@caught_by("no-dynamic-secrets-in-variables")
def a_variable_resolves_a_secret_at_deployment(prod: Deployment) -> None:
    variables(prod)["API_SETTINGS"] = "{{resolve:secretsmanager:keys:SecretString:youtube_api_key}}"


@caught_by("no-dynamic-secrets-in-variables")
def a_variable_resolves_a_secret_inside_other_text(prod: Deployment) -> None:
    reference = ["https://", "{{resolve:ssm-secure:/keys/youtube:1}}", "@example.org"]
    variables(prod)["ENDPOINT"] = {"Fn::Join": ["", reference]}


@caught_by("secret-variables-are-references")
def a_variable_named_key_holds_text(prod: Deployment) -> None:
    variables(prod)["YOUTUBE_API_KEY"] = "swordfish"


@caught_by("secret-variables-are-references")
def a_variable_named_password_holds_text(prod: Deployment) -> None:
    variables(prod)["DB_PASSWORD"] = "swordfish"


@caught_by("no-known-keys-in-variables")
def an_access_key_of_aws_is_in_a_variable(prod: Deployment) -> None:
    variables(prod)["UPLOADER"] = "AKIA" + "IOSFODNN7EXAMPLE"


@caught_by("no-known-keys-in-variables")
def a_key_of_google_is_in_a_variable(prod: Deployment) -> None:
    variables(prod)["MAPS"] = "AIza" + "SyA" * 11


@caught_by("no-known-keys-in-variables")
def a_url_with_a_password_is_in_a_variable(prod: Deployment) -> None:
    variables(prod)["DATABASE_URL"] = "postgresql://app:swordfish@db.example.org/app"


@caught_by("no-random-text-in-variables")
def a_generated_key_is_in_a_variable_with_a_harmless_name(prod: Deployment) -> None:
    variables(prod)["PARTNER"] = GENERATED


@caught_by("no-random-text-in-variables")
def a_generated_key_is_in_a_json_variable(prod: Deployment) -> None:
    variables(prod)["PARTNERS"] = f'{{"first": "{GENERATED}"}}'


@caught_by("no-random-text-in-variables")
def a_hexadecimal_key_is_in_a_variable(prod: Deployment) -> None:
    variables(prod)["PARTNER"] = "4f8a1c93e27b5d60ab3f9e1174c2d8ef"


@caught_by("references-resolve")
def a_variable_refers_to_a_queue_that_is_gone(prod: Deployment) -> None:
    variables(prod)["SQS_QUEUE_URL"] = {"Ref": "OldQueue"}


@caught_by("references-resolve")
def a_function_waits_for_a_policy_that_is_gone(prod: Deployment) -> None:
    pick(prod, FUNCTION, lambda each: each.body.get("DependsOn")).body["DependsOn"].append("OldPolicy")


@caught_by("stack-outputs-exist")
def a_function_reads_an_output_that_is_not_there(prod: Deployment) -> None:
    other = next(stack for stack in prod.stacks.values() if stack.body.get("Outputs"))
    reference = {"StackName": other.full_name, "OutputName": "Gone"}
    variables(prod)["CURSOR_SECRET_ID"] = {"Fn::GetStackOutput": reference}


@caught_by("no-cycles")
def a_function_and_its_log_group_wait_for_each_other(prod: Deployment) -> None:
    function = pick(prod, FUNCTION)
    group = function.stack.resources[function.properties["LoggingConfig"]["LogGroup"]["Ref"]]
    group.properties["LogGroupName"] = {"Fn::Sub": f"/aws/lambda/${{{function.logical_id}}}"}


@caught_by("no-cycles")
def two_functions_know_each_others_names(prod: Deployment) -> None:
    first, second, *_ = functions(prod)
    for caller, called in ((first, second), (second, first)):
        caller.properties["Environment"]["Variables"]["OTHER"] = {"Ref": called.logical_id}


@caught_by("no-exports")
def a_function_imports_an_export(prod: Deployment) -> None:
    variables(prod)["DYNAMODB_TABLE_NAME"] = {"Fn::ImportValue": "TableName"}


@caught_by("no-exports")
def a_stack_exports_a_value(prod: Deployment) -> None:
    outputs = app_stack(prod).body["Outputs"]
    next(iter(outputs.values()))["Export"] = {"Name": "ApiId"}


def let_data_wait_for_the_app(prod: Deployment) -> None:
    app = app_stack(prod)
    reference = {"StackName": app.full_name, "OutputName": next(iter(app.body["Outputs"]))}
    secret = pick(prod, "AWS::SecretsManager::Secret")
    secret.properties["Description"] = {"Fn::GetStackOutput": reference}


@caught_by("data-waits-for-nobody")
def data_waits_for_an_app(prod: Deployment) -> None:
    let_data_wait_for_the_app(prod)


@caught_by("no-cycles")
def two_stacks_wait_for_each_other(prod: Deployment) -> None:
    let_data_wait_for_the_app(prod)


@caught_by("local-cloud-takes-it", environment="local")
def the_local_cloud_meets_a_type_it_does_not_know(local: Deployment) -> None:
    add(app_stack(local), "Budget", "AWS::Budgets::Budget")


@caught_by("functions-are-watched")
def a_second_function_has_no_alarms(prod: Deployment) -> None:
    function = pick(prod, FUNCTION)
    add(function.stack, "Another", FUNCTION, **function.properties)


# ---- what a service is made of -------------------------------------------------------------------------------------


@caught_by("functions-share-one-bundle")
def a_worker_runs_what_somebody_uploaded(prod: Deployment) -> None:
    function_of(prod, "worker").properties["Code"] = {"S3Bucket": "theirs", "S3Key": "theirs.zip"}


def told(prod: Deployment, module: str) -> dict[str, Any]:
    found: dict[str, Any] = function_of(prod, module).properties["Environment"]["Variables"]
    return found


@caught_by("functions-trust-amazon-alone")
def a_function_trusts_every_root(prod: Deployment) -> None:
    del told(prod, "api")["AWS_CA_BUNDLE"]


@caught_by("functions-trust-amazon-alone")
def a_worker_trusts_a_root_of_its_own(prod: Deployment) -> None:
    told(prod, "worker")["AWS_CA_BUNDLE"] = "/opt/roots.pem"


@caught_by("outside-addresses-are-defaults", not_in=lacking("stand_ins"))
def a_function_asks_a_stand_in(prod: Deployment) -> None:
    service = prod.service_of(app_stack(prod))
    assert service is not None
    if not service.stand_ins:
        raise NothingToBreak("stand_ins")
    told(prod, "api")[service.stand_ins[0].endpoints[0].variable] = "http://localhost:8010"


@caught_by("shortcuts-stay-on-this-machine")
def anybody_may_sign_in_as_a_test_user(prod: Deployment) -> None:
    told(prod, "api")["TEST_LOGIN_ENABLED"] = "true"


@caught_by("shortcuts-stay-on-this-machine", environment="dev")
def an_outside_service_is_asked_over_plain_http(dev: Deployment) -> None:
    told(dev, "worker")["ALLOW_INSECURE_UPSTREAMS"] = "true"


NAMELESS = ("AlgoItny", "StockTrackRecord")  # they never name themselves


def own_address(prod: Deployment) -> str:
    """The variable with the address of an API. Raises NothingToBreak."""
    for name in ("API_BASE_URL", "PUBLIC_URL"):
        if name in told(prod, "api"):
            return name
    raise NothingToBreak("API_BASE_URL")


@caught_by("functions-know-their-own-address", not_in=NAMELESS)
def an_api_does_not_know_its_own_address(prod: Deployment) -> None:
    del told(prod, "api")[own_address(prod)]


@caught_by("functions-know-their-own-address", not_in=NAMELESS)
def an_api_takes_the_address_of_another_deployment_for_its_own(prod: Deployment) -> None:
    told(prod, "api")[own_address(prod)] = "https://abc.execute-api.eu-central-1.amazonaws.com"
