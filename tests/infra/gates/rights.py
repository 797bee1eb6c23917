"""Rules about what functions may do: all that they are told of, and nothing else."""

from collections.abc import Iterator

from tests.infra.gates.data import SECRET
from tests.infra.gates.identity import allowed_to
from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.queues import MAPPING, fed_functions, stream_mappings
from tests.infra.gates.references import FUNCTION, QUEUE, TABLES, function_behind, role_of, target

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
POLLS_QUEUE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
READS_STREAM = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html, without making the group
WRITES_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
# https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
TRACES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# What having a thing's name is for.
USED_BY = {QUEUE: "sqs:SendMessage", SECRET: "secretsmanager:GetSecretValue"}


def rights(deployment: Deployment, function: Resource) -> Iterator[tuple[str, Resource | None]]:
    """(action, resource of ours or None) of everything that a function may do."""
    for action, resource in allowed_to(deployment, role_of(deployment, function)):
        yield action, target(deployment, function.stack, resource)


def actions_on(deployment: Deployment, function: Resource, about: Resource) -> set[str]:
    return {action for action, resource in rights(deployment, function) if resource == about}


def told(deployment: Deployment, function: Resource) -> Iterator[tuple[str, Resource]]:
    """(variable, resource) for everything of ours that a function is told the name or address of."""
    for name, value in function.properties.get("Environment", {}).get("Variables", {}).items():
        about = target(deployment, function.stack, value)
        if about is not None:
            yield name, about


def read_by(deployment: Deployment, function: Resource) -> Iterator[Resource]:
    """What Lambda reads for a function, and where it puts what failed: the function itself is told of neither."""
    for mapping in deployment.of_type(MAPPING):
        if function_behind(deployment, mapping.stack, mapping.properties["FunctionName"]) == function:
            failed = mapping.properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
            for value in (mapping.properties.get("EventSourceArn"), failed):
                found = target(deployment, mapping.stack, value)
                if found is not None:
                    yield found


@rule("pollers-may-poll", "Without these rights Lambda refuses the mapping at deployment, or reads nothing")
def pollers_may_poll(deployment: Deployment) -> Complaints:
    for mapping, queue, function in fed_functions(deployment):
        missing = POLLS_QUEUE - actions_on(deployment, function, queue)
        if missing:
            yield mapping, f"its function lacks {', '.join(sorted(missing))} on {queue.logical_id}"
    for mapping in stream_mappings(deployment):
        reader = function_behind(deployment, mapping.stack, mapping.properties["FunctionName"])
        missing = READS_STREAM - ({action for action, _ in rights(deployment, reader)} if reader else set())
        if missing:
            yield mapping, f"its function lacks {', '.join(sorted(missing))}"


@rule("told-means-allowed", "A function that knows a queue, secret or table and may not use it fails at its first try")
def told_means_allowed(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        all_rights = list(rights(deployment, function))
        for name, about in told(deployment, function):
            held = {action for action, resource in all_rights if resource == about}
            enough = bool(held) if about.type in TABLES else USED_BY.get(about.type) in {None, *held}
            if not enough:
                yield function, f"{name} is for {about.logical_id}, which it may not use"


@rule(
    "allowed-means-told", "A right to something the function does not even know the name of is only of use to a thief"
)
def allowed_means_told(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        known = [about for _, about in told(deployment, function)] + list(read_by(deployment, function))
        for action, about in rights(deployment, function):
            if about is not None and about.type in (*TABLES, *USED_BY) and about not in known:
                yield function, f"may {action} on {about.logical_id} and is not told of it"


@rule("functions-may-log", "A function that may not write its log fails without a word")
def functions_may_log(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        group = target(deployment, function.stack, function.properties.get("LoggingConfig", {}).get("LogGroup"))
        if group is not None and WRITES_LOGS - actions_on(deployment, function, group):
            yield function, f"may not write to {group.logical_id}"


@rule("traced-functions-may-trace", "Traces that may not be sent are lost without an error")
def traced_functions_may_trace(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        is_traced = function.properties.get("TracingConfig", {}).get("Mode") == "Active"
        if is_traced and TRACES - {action for action, _ in rights(deployment, function)}:
            yield function, "is traced and may not send its traces"
