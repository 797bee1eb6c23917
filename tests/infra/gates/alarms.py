"""Rules about alarms: each can fire, is heard and is understood, and everything that fails has one."""

import re
from collections.abc import Iterator

from cdk_app.constructs.runbooks import FOLDER, RUNBOOKS, Runbook
from tests.infra.gates.http import API
from tests.infra.gates.metrics import ALARM, COMPOSITE, dimensions, metrics_of
from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.published_metrics import unknown
from tests.infra.gates.queues import DEFAULT_TIMEOUT_SECONDS, dead_letters_of, fed_functions, stream_mappings
from tests.infra.gates.references import (
    FUNCTION,
    QUEUE,
    TABLES,
    function_behind,
    index_names,
    physical_name,
    table_named,
    target,
    text,
)
from tests.support.assembly import ROOT

INDEX = "GlobalSecondaryIndexName"
PAGES = {runbook.link: runbook for runbook in RUNBOOKS}
MOST_METRICS = 10


def watched(deployment: Deployment) -> set[tuple[str, str]]:
    """(metric, resource it is about) for everything that some alarm looks at. Resources as `stack/logical id`."""
    found = set()
    for alarm in deployment.of_type(ALARM):
        for metric in metrics_of(alarm):
            for value in dimensions(metric).values():
                about = target(deployment, alarm.stack, value)
                if about is not None:
                    found.add((metric["MetricName"], str(about)))
    return found


@rule(
    "alarms-watch-metrics-that-exist",
    "CloudWatch accepts any name; an alarm on a wrong one never fires and stays green",
)
def alarms_watch_metrics_that_exist(deployment: Deployment) -> Complaints:
    for alarm in deployment.of_type(ALARM):
        for metric in metrics_of(alarm):
            problem = unknown(metric["Namespace"], metric["MetricName"], dimensions(metric))
            if problem:
                yield alarm, problem


@rule("own-metrics-are-sent", "An alarm on a metric of ours that no code sends never fires")
def own_metrics_are_sent(deployment: Deployment) -> Complaints:
    sources = "\n".join(asset.sources for asset in deployment.assets.values())
    for alarm in deployment.of_type(ALARM):
        for metric in metrics_of(alarm):
            if not metric["Namespace"].startswith("AWS/") and f'"{metric["MetricName"]}"' not in sources:
                yield alarm, f"no bundle sends {metric['MetricName']}"


@rule("alarms-watch-what-is-there", "A name that belongs to nothing has no data, and no data is no alarm")
def alarms_watch_what_is_there(deployment: Deployment) -> Complaints:
    ours = {"TableName", "QueueName", "FunctionName", "ApiId", "RuleName", "TopicName"}
    for alarm in deployment.of_type(ALARM):
        for metric in metrics_of(alarm):
            values = dimensions(metric)
            for name in sorted(ours & values.keys()):
                if target(deployment, alarm.stack, values[name]) is None:
                    yield alarm, f"{name} {text(values[name])} is nothing of ours"
            table = target(deployment, alarm.stack, values.get("TableName"))
            index = values.get(INDEX)
            if table and index and index not in index_names(table):
                yield alarm, f"{physical_name(table)} has no index {index}"


@rule("alarms-are-heard", "An alarm without action changes colour on a page that nobody looks at")
def alarms_are_heard(deployment: Deployment) -> Complaints:
    in_a_composite = {
        alarm
        for composite in deployment.of_type(COMPOSITE)
        for alarm in re.findall(r"\$\{(\w+)", text(composite.properties["AlarmRule"]))
    }
    for alarm in deployment.of_type(ALARM, COMPOSITE):
        actions = alarm.properties.get("AlarmActions", [])
        if alarm.properties.get("ActionsEnabled") is False or not (actions or alarm.logical_id in in_a_composite):
            yield alarm, "has no action"


@rule("alarms-are-understood", "At three in the morning an alarm has to say what it means and what to do first")
def alarms_are_understood(deployment: Deployment) -> Complaints:
    for alarm in deployment.of_type(ALARM, COMPOSITE):
        description = text(alarm.properties.get("AlarmDescription", ""))
        runbook = runbook_of(alarm)
        service = deployment.service_of(alarm.stack)
        if runbook is None:
            yield alarm, "its description ends with no page that an alarm may name"
        elif not (ROOT / FOLDER / f"{runbook.name}.md").is_file():
            yield alarm, f"names {runbook.link}, which does not exist"
        elif f". First: {runbook.first}. Runbook: " not in description:
            yield alarm, f"does not say what {runbook.link} says to do first"
        if service is not None and not description.startswith(f"{service.title}: "):
            yield alarm, f"does not begin with {service.title}"


def runbook_of(alarm: Resource) -> Runbook | None:
    """The page that its description ends with."""
    return PAGES.get(text(alarm.properties.get("AlarmDescription", "")).rpartition(" ")[2])


@rule("what-lasts-tells-when-it-is-over", "Without word of its end somebody keeps looking; a mere event has no end")
def what_lasts_tells_when_it_is_over(deployment: Deployment) -> Complaints:
    for alarm in deployment.of_type(ALARM):
        runbook, actions = runbook_of(alarm), alarm.properties.get("AlarmActions", [])
        if runbook is not None and alarm.properties.get("OKActions", []) != (
            actions if runbook.tells_when_over else []
        ):
            yield alarm, f"tells {alarm.properties.get('OKActions', 'nobody')} when it is over"


@rule("alarms-can-be-made", "CloudWatch refuses an alarm that reads more than ten metrics, and with it the deployment")
def alarms_can_be_made(deployment: Deployment) -> Complaints:
    for alarm in deployment.of_type(ALARM):
        read = len(list(metrics_of(alarm)))
        if read > MOST_METRICS:
            yield alarm, f"reads {read} metrics"


@rule(
    "operations-are-watched",
    "Errors of DynamoDB are counted by operation: one that is left out is never seen",
    not_local="its alarms know no metric math",
)
def operations_are_watched(deployment: Deployment) -> Complaints:
    seen = {
        (str(table_named(deployment, text(values["TableName"]))), values["Operation"])
        for alarm in deployment.of_type(ALARM)
        for metric in metrics_of(alarm)
        for values in [dimensions(metric)]
        if metric["MetricName"] == "SystemErrors"
    }
    for declared in deployment.declared:
        table = table_named(deployment, declared.physical_name(deployment.environment.name))
        if table is None:  # another rule says so
            continue
        for pattern in declared.patterns:
            for operation in ("TransactWriteItems",) if pattern.transaction else pattern.operations:
                if (str(table), operation) not in seen:
                    yield table, f"no alarm watches errors of {operation}, which {pattern.name} does"


@rule("no-data-is-decided", "By default an alarm without data is INSUFFICIENT_DATA: neither well nor ill")
def no_data_is_decided(deployment: Deployment) -> Complaints:
    for alarm in deployment.of_type(ALARM):
        if "TreatMissingData" not in alarm.properties:
            yield alarm, "does not say what missing data means"


@rule(
    "silence-is-heard", "What has stopped sends no data: an alarm on too little that takes no data for well never fires"
)
def silence_is_heard(deployment: Deployment) -> Complaints:
    for alarm in deployment.of_type(ALARM):
        on_too_little = str(alarm.properties.get("ComparisonOperator", "")).startswith("LessThan")
        if on_too_little and alarm.properties.get("TreatMissingData") != "breaching":
            yield alarm, "takes missing data for well"


@rule("duration-alarms-can-fire", "A function is stopped at its timeout: a threshold above it is never reached")
def duration_alarms_can_fire(deployment: Deployment) -> Complaints:
    for alarm in deployment.of_type(ALARM):
        for metric in metrics_of(alarm):
            function = function_behind(deployment, alarm.stack, dimensions(metric).get("FunctionName"))
            if metric["MetricName"] == "Duration" and function is not None:
                stopped_at = 1000 * function.properties.get("Timeout", DEFAULT_TIMEOUT_SECONDS)
                if alarm.properties.get("Threshold", 0) >= stopped_at:
                    yield alarm, f"threshold {alarm.properties['Threshold']} ms, timeout {stopped_at} ms"


@rule("functions-are-watched", "A function that fails or is refused should not be found out by users")
def functions_are_watched(deployment: Deployment) -> Complaints:
    seen = {(name, str(function)) for name, function in _watched_functions(deployment)}
    for function in deployment.of_type(FUNCTION):
        for metric in ("Errors", "Throttles", "Duration"):
            if (metric, str(function)) not in seen:
                yield function, f"no alarm watches its {metric}"


def _watched_functions(deployment: Deployment) -> Iterator[tuple[str, Resource]]:
    for alarm in deployment.of_type(ALARM):
        for metric in metrics_of(alarm):
            function = function_behind(deployment, alarm.stack, dimensions(metric).get("FunctionName"))
            if function is not None:
                yield metric["MetricName"], function


@rule("queues-are-watched", "A dead letter or an old message is work that somebody is waiting for")
def queues_are_watched(deployment: Deployment) -> Complaints:
    seen = watched(deployment)
    for queue in deployment.of_type(QUEUE):
        dead_letters = dead_letters_of(deployment, queue)
        if dead_letters and ("ApproximateNumberOfMessagesVisible", str(dead_letters)) not in seen:
            yield dead_letters, "no alarm says that it is not empty"
    for _, queue, _ in fed_functions(deployment):
        if ("ApproximateAgeOfOldestMessage", str(queue)) not in seen:
            yield queue, "no alarm watches the age of its messages"


@rule("apis-are-watched", "5xx and slow answers are what a user sees of any fault behind the API")
def apis_are_watched(deployment: Deployment) -> Complaints:
    seen = watched(deployment)
    for api in deployment.of_type(API):
        for metric in ("5xx", "Latency"):
            if (metric, str(api)) not in seen:
                yield api, f"no alarm watches its {metric}"


@rule("tables-are-watched", "A hot key throttles, everything else looks idle", not_local="its engine never throttles")
def tables_are_watched(deployment: Deployment) -> Complaints:
    places = {
        (metric["MetricName"], str(table_named(deployment, text(values.get("TableName")))), values.get(INDEX))
        for alarm in deployment.of_type(ALARM)
        for metric in metrics_of(alarm)
        for values in [dimensions(metric)]
    }
    for table in deployment.of_type(*TABLES):
        for index in (None, *index_names(table)):
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
                if (metric, str(table), index) not in places:
                    yield table, f"no alarm watches {metric} of {index or 'the table'}"


@rule("streams-are-watched", "A consumer that falls behind loses records after a day")
def streams_are_watched(deployment: Deployment) -> Complaints:
    seen = {(name, str(function)) for name, function in _watched_functions(deployment)}
    for mapping in stream_mappings(deployment):
        reader = function_behind(deployment, mapping.stack, mapping.properties["FunctionName"])
        if ("IteratorAge", str(reader)) not in seen:
            yield mapping, "no alarm watches how far it has fallen behind"
