"""Faults in the events that EventBridge brings to queues."""

from tests.infra.gates.declared import RULE, is_route
from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.principals import QUEUE_POLICY, sender_of
from tests.infra.gates.references import references, text
from tests.infra.mutants.making import app_stack, caught_by, has, pick, remove
from tests.infra.mutants.of_buckets import IN_PROD
from tests.infra.mutants.of_queues import dead_letters


def a_route(prod: Deployment) -> Resource:
    return pick(prod, RULE, is_route)


def goal(prod: Deployment) -> Json:
    found: Json = a_route(prod).properties["Targets"][0]
    return found


def asked(prod: Deployment) -> Json:
    found: Json = a_route(prod).properties["EventPattern"]
    return found


def leave(prod: Deployment, queue: str) -> tuple[Resource, Json]:
    """A policy, and its statement that lets the rule send to a queue."""
    for policy in prod.of_type(QUEUE_POLICY):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if sender_of(prod, policy, statement) is not None and queue in text(statement["Resource"]):
                return policy, statement
    raise AssertionError(queue)


# ---- what is heard -------------------------------------------------------------------------------------------------


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_every_bucket_of_the_account(prod: Deployment) -> None:
    del asked(prod)["detail"]["bucket"]


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_the_bucket_of_somebody(prod: Deployment) -> None:
    asked(prod)["detail"]["bucket"]["name"] = ["theirs"]


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_two_buckets(prod: Deployment) -> None:
    asked(prod)["detail"]["bucket"]["name"].append("theirs")


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_what_it_writes_itself(prod: Deployment) -> None:
    del asked(prod)["detail"]["object"]


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_keys_that_nobody_declared(prod: Deployment) -> None:
    asked(prod)["detail"]["object"]["key"] = [{"prefix": "upload/"}]


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_all_keys_but_some(prod: Deployment) -> None:
    asked(prod)["detail"]["object"]["key"] = [{"anything-but": {"prefix": "shown/"}}]


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_every_kind_of_event(prod: Deployment) -> None:
    del asked(prod)["detail-type"]


@caught_by("events-are-our-own", environment=IN_PROD)
def a_worker_hears_of_the_jobs_of_every_environment(prod: Deployment) -> None:
    jobs = {"TranscriptionJobStatus": ["COMPLETED"], "TranscriptionJobName": [{"prefix": "pictures-"}]}
    a_route(prod).properties["EventPattern"] = {
        "source": ["aws.transcribe"],
        "detail-type": ["Transcribe Job State Change"],
        "detail": jobs,
    }


@caught_by("events-are-heard-as-promised", environment=IN_PROD)
def a_worker_hears_of_deletions_instead(prod: Deployment) -> None:
    asked(prod)["detail-type"] = ["Object Deleted"]


@caught_by("events-are-heard-as-promised", environment=IN_PROD)
def an_event_is_tried_once_more_than_promised(prod: Deployment) -> None:
    goal(prod)["RetryPolicy"]["MaximumRetryAttempts"] += 1


@caught_by("schedules-are-on", environment=IN_PROD)
def events_are_not_heard_for_now(prod: Deployment) -> None:
    a_route(prod).properties["State"] = "DISABLED"


@caught_by("schedules-ask-for-tasks", environment=IN_PROD)
def a_rule_for_events_also_comes_by_the_clock(prod: Deployment) -> None:
    a_route(prod).properties["ScheduleExpression"] = "rate(1 minute)"


# ---- where it goes -------------------------------------------------------------------------------------------------


@caught_by("events-come-to-a-worker", environment=IN_PROD)
def events_go_where_nobody_reads_them(prod: Deployment) -> None:
    goal(prod)["Arn"] = {"Fn::GetAtt": [dead_letters(prod).logical_id, "Arn"]}


@caught_by("events-come-to-a-worker", environment=IN_PROD)
def events_also_go_to_somebody(prod: Deployment) -> None:
    arn = "arn:aws:sqs:us-east-1:999988887777:theirs"
    a_route(prod).properties["Targets"].append(goal(prod) | {"Id": "Theirs", "Arn": arn})


@caught_by("events-come-to-a-worker", environment=IN_PROD)
def an_event_arrives_without_its_key(prod: Deployment) -> None:
    goal(prod)["InputPath"] = "$.detail.bucket"


@caught_by("events-may-come", environment=IN_PROD)
def the_queue_does_not_know_the_rule(prod: Deployment) -> None:
    policy, statement = leave(prod, "TasksQueue")
    policy.properties["PolicyDocument"]["Statement"].remove(statement)


@caught_by("events-may-come", environment=IN_PROD)
def the_dead_letters_do_not_know_the_rule(prod: Deployment) -> None:
    policy, statement = leave(prod, "TasksDeadLetters")
    policy.properties["PolicyDocument"]["Statement"].remove(statement)


@caught_by("policies-let-in-nobody-else", environment=IN_PROD)
def a_queue_takes_from_every_rule(prod: Deployment) -> None:
    del leave(prod, "TasksQueue")[1]["Condition"]


@caught_by("policies-let-in-nobody-else", environment=IN_PROD)
def a_queue_takes_from_rules_of_a_name(prod: Deployment) -> None:
    arn = "arn:aws:events:us-east-1:999988887777:rule/*"
    leave(prod, "TasksQueue")[1]["Condition"] = {"ArnLike": {"aws:SourceArn": arn}}


@caught_by("policies-let-in-nobody-else", environment=IN_PROD)
def a_queue_takes_from_a_rule_of_somebody(prod: Deployment) -> None:
    arn = "arn:aws:events:us-east-1:999988887777:rule/theirs"
    leave(prod, "TasksQueue")[1]["Condition"]["ArnEquals"]["aws:SourceArn"] = arn


@caught_by("policies-let-in-nobody-else", environment=IN_PROD)
def a_rule_may_do_more_than_send(prod: Deployment) -> None:
    leave(prod, "TasksQueue")[1]["Action"] = ["sqs:SendMessage", "sqs:PurgeQueue"]


@caught_by("failed-events-are-kept", environment=IN_PROD)
def an_event_that_fails_is_dropped(prod: Deployment) -> None:
    del goal(prod)["DeadLetterConfig"]


@caught_by("failed-events-are-kept", environment=IN_PROD)
def an_event_that_fails_goes_to_the_same_queue(prod: Deployment) -> None:
    goal(prod)["DeadLetterConfig"]["Arn"] = goal(prod)["Arn"]


@caught_by("events-are-not-tried-for-a-day", environment=IN_PROD)
def nobody_decided_how_long_an_event_is_tried(prod: Deployment) -> None:
    del goal(prod)["RetryPolicy"]


@caught_by("events-are-watched", environment=IN_PROD)
def nobody_hears_that_events_fail(prod: Deployment) -> None:
    route = a_route(prod).logical_id
    remove(pick(prod, ALARM, lambda each: (route, "") in references(each.properties)))


@caught_by("dashboards-show-what-there-is", environment=IN_PROD)
def nobody_sees_how_many_events_come(prod: Deployment) -> None:
    dashboard = pick(prod, "AWS::CloudWatch::Dashboard", has("DashboardBody"))
    route = a_route(prod).logical_id
    body = text(dashboard.properties["DashboardBody"]).replace(f"${{{route}}}", "nothing")
    dashboard.properties["DashboardBody"] = {"Fn::Sub": body}
    assert app_stack(prod) == dashboard.stack
