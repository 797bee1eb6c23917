"""Rules about functions: what they run, as whom, and what they leave behind."""

from collections import Counter

from tests.infra.gates.model import Complaints, Deployment, rule
from tests.infra.gates.references import FUNCTION, VERSION, function_behind, role_of, target

RUNTIME = "python3.13"
LOG_GROUP = "AWS::Logs::LogGroup"
LONGEST_TIMEOUT_SECONDS = 900


@rule("functions-have-their-own-role", "Two functions with one role may each do what the other needs")
def functions_have_their_own_role(deployment: Deployment) -> Complaints:
    roles = {str(function): role_of(deployment, function) for function in deployment.of_type(FUNCTION)}
    users = Counter(str(role) for role in roles.values() if role is not None)
    for function in deployment.of_type(FUNCTION):
        role = roles[str(function)]
        if role is None:
            yield function, "has no role of its own"
        elif users[str(role)] > 1:
            yield function, f"shares its role {role.logical_id}"


@rule("functions-stay-outside-vpcs", "A VPC brings a NAT gateway, its cost and its failures, and protects nothing here")
def functions_stay_outside_vpcs(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        if "VpcConfig" in function.properties:
            yield function, "is in a VPC"


@rule("functions-run-what-was-tested", "Bundles hold byte code of one Python version, and libraries for one processor")
def functions_run_what_was_tested(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        if function.properties.get("Runtime") != RUNTIME:
            yield function, f"runs {function.properties.get('Runtime')}, tests run {RUNTIME}"
        processors = function.properties.get("Architectures", ["x86_64"])
        if not deployment.environment.on_this_machine and processors != ["arm64"]:
            yield function, f"runs on {processors}"


@rule("functions-have-limits", "The defaults, 3 s and 128 MB, are nobody's choice and too little for Python")
def functions_have_limits(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        for limit in ("Timeout", "MemorySize"):
            if limit not in function.properties:
                yield function, f"does not set {limit}"
        if function.properties.get("Timeout", 0) > LONGEST_TIMEOUT_SECONDS:
            yield function, f"may run for {function.properties['Timeout']} s, Lambda allows {LONGEST_TIMEOUT_SECONDS} s"


@rule("functions-are-traced", "Without a trace nobody can say which call of a slow request was slow")
def functions_are_traced(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        mode = function.properties.get("TracingConfig", {}).get("Mode")
        if deployment.environment.tracing and mode != "Active":
            yield function, "is not traced"


@rule("functions-log-json-to-their-own-group", "Saved queries read JSON fields, and ask one function's group")
def functions_log_json_to_their_own_group(deployment: Deployment) -> Complaints:
    used: Counter[str] = Counter()
    for function in deployment.of_type(FUNCTION):
        config = function.properties.get("LoggingConfig", {})
        group = target(deployment, function.stack, config.get("LogGroup"))
        used[str(group)] += 1
        if config.get("LogFormat") != "JSON":
            yield function, "does not log JSON"
        if group is None or group.type != LOG_GROUP:
            yield function, "logs to a group that Lambda makes, which keeps everything for ever"
        elif used[str(group)] > 1:
            yield function, f"shares its log group {group.logical_id}"


@rule("log-groups-forget", "A log group without retention keeps, and bills, every line for ever")
def log_groups_forget(deployment: Deployment) -> Complaints:
    for group in deployment.of_type(LOG_GROUP):
        days = group.properties.get("RetentionInDays")
        if days != deployment.environment.log_retention_days:
            yield (
                group,
                f"keeps lines for {days} days, the environment says {deployment.environment.log_retention_days}",
            )


@rule("handlers-are-in-the-bundle", "A wrong handler deploys without complaint and fails at the first call")
def handlers_are_in_the_bundle(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        key = str(function.properties.get("Code", {}).get("S3Key", ""))
        asset = deployment.assets.get(key.removesuffix(".zip"))
        module, _, name = str(function.properties.get("Handler", "")).rpartition(".")
        file = f"{module.replace('.', '/')}.py"
        if asset is None:
            yield function, f"runs code that synthesis did not write: {key or 'inline'}"
        elif file not in asset.names:
            yield function, f"its bundle has no {file}"
        elif not name:
            yield function, "names no function in its handler"


@rule("snapshots-are-of-versions", "SnapStart works on published versions only; on $LATEST it silently does nothing")
def snapshots_are_of_versions(deployment: Deployment) -> Complaints:
    published = {
        str(function_behind(deployment, version.stack, version.properties["FunctionName"]))
        for version in deployment.of_type(VERSION)
    }
    for function in deployment.of_type(FUNCTION):
        starts = function.properties.get("SnapStart", {}).get("ApplyOn", "None")
        if starts != "None" and str(function) not in published:
            yield function, "starts from snapshots and publishes no version"


@rule("functions-share-one-bundle", "Two bundles of one service are two versions of its code beside each other")
def functions_share_one_bundle(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        functions = [each for each in stack.resources.values() if each.type == FUNCTION]
        for function in functions[1:]:
            if function.properties.get("Code") != functions[0].properties.get("Code"):
                yield function, f"runs other code than {functions[0].logical_id}"


@rule("functions-trust-amazon-alone", "The full list of roots costs 60 ms of each start, and trusts hundreds of others")
def functions_trust_amazon_alone(deployment: Deployment) -> Complaints:
    wanted = None if deployment.environment.on_this_machine else "/var/task/amazon_roots.pem"
    for function in deployment.of_type(FUNCTION):
        trusted = function.properties.get("Environment", {}).get("Variables", {}).get("AWS_CA_BUNDLE")
        if trusted != wanted:
            yield function, f"trusts {trusted or 'every root there is'}"
