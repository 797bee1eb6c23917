"""Faults in the events that EventBridge brings to queues."""

from tests.infra.gates.declared import RULE, is_route
from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.principals import QUEUE_POLICY, sender_of
from tests.infra.gates.references import references, text
from tests.infra.mutants.making import NothingToBreak, app_stack, caught_by, has, lacking, pick, remove
from tests.infra.mutants.of_queues import dead_letters

WITHOUT = ("AlgoItny", *lacking("buckets"))  # nobody waits for what is put into its buckets
WITHOUT_JOBS = lacking("jobs")


def a_route(prod: Deployment) -> Resource:
    return pick(prod, RULE, is_route)


def goal(prod: Deployment) -> Json:
    found: Json = a_route(prod).properties["Targets"][0]
    return found


def asked(prod: Deployment) -> Json:
    found: Json = a_route(prod).properties["EventPattern"]
    return found


def of_jobs(prod: Deployment) -> Json:
    """The pattern of events of Amazon Transcribe."""
    route = pick(prod, RULE, lambda each: each.properties.get("EventPattern", {}).get("source") == ["aws.transcribe"])
    found: Json = route.properties["EventPattern"]
    return found


def leave(prod: Deployment, queue: str) -> tuple[Resource, Json]:
    """A policy, and its statement that lets the rule send to a queue."""
    for policy in prod.of_type(QUEUE_POLICY):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if sender_of(prod, policy, statement) is not None and queue in text(statement["Resource"]):
                return policy, statement
    raise NothingToBreak(queue)


# ---- what is heard -------------------------------------------------------------------------------------------------


@caught_by("events-are-our-own", not_in=WITHOUT)
def a_worker_hears_of_every_bucket_of_the_account(prod: Deployment) -> None:
    del asked(prod)["detail"]["bucket"]


@caught_by("events-are-our-own", not_in=WITHOUT)
def a_worker_hears_of_the_bucket_of_somebody(prod: Deployment) -> None:
    asked(prod)["detail"]["bucket"]["name"] = ["theirs"]


@caught_by("events-are-our-own", not_in=WITHOUT)
def a_worker_hears_of_two_buckets(prod: Deployment) -> None:
    asked(prod)["detail"]["bucket"]["name"].append("theirs")


@caught_by("events-are-our-own", not_in=WITHOUT)
def a_worker_hears_of_what_it_writes_itself(prod: Deployment) -> None:
    del asked(prod)["detail"]["object"]


@caught_by("events-are-our-own", not_in=WITHOUT)
def a_worker_hears_of_keys_that_nobody_declared(prod: Deployment) -> None:
    asked(prod)["detail"]["object"]["key"] = [{"prefix": "upload/"}]


@caught_by("events-are-our-own", not_in=WITHOUT)
def a_worker_hears_of_all_keys_but_some(prod: Deployment) -> None:
    asked(prod)["detail"]["object"]["key"] = [{"anything-but": {"prefix": "media/"}}]


@caught_by("events-are-our-own", not_in=WITHOUT)
def a_worker_hears_of_every_kind_of_event(prod: Deployment) -> None:
    del asked(prod)["detail-type"]


@caught_by("events-are-our-own", not_in=WITHOUT_JOBS)
def a_worker_hears_of_the_jobs_of_every_environment(prod: Deployment) -> None:
    of_jobs(prod)["detail"]["TranscriptionJobName"] = [{"prefix": "yss-"}]


@caught_by("events-are-our-own", not_in=WITHOUT_JOBS)
def a_worker_hears_of_the_jobs_of_another_environment(prod: Deployment) -> None:
    of_jobs(prod)["detail"]["TranscriptionJobName"] = [{"prefix": "yss-dev-"}]


@caught_by("events-are-our-own", not_in=WITHOUT_JOBS)
def a_worker_hears_of_every_job_of_the_account(prod: Deployment) -> None:
    del of_jobs(prod)["detail"]["TranscriptionJobName"]


@caught_by("events-are-heard-as-promised", not_in=WITHOUT_JOBS)
def a_worker_does_not_hear_that_a_job_failed(prod: Deployment) -> None:
    of_jobs(prod)["detail"]["TranscriptionJobStatus"].remove("FAILED")


@caught_by("events-are-heard-as-promised", not_in=WITHOUT)
def a_worker_hears_of_deletions_instead(prod: Deployment) -> None:
    asked(prod)["detail-type"] = ["Object Deleted"]


@caught_by("events-are-heard-as-promised", not_in=WITHOUT)
def an_event_is_tried_once_more_than_promised(prod: Deployment) -> None:
    goal(prod)["RetryPolicy"]["MaximumRetryAttempts"] += 1


@caught_by("schedules-are-on", not_in=WITHOUT)
def events_are_not_heard_for_now(prod: Deployment) -> None:
    a_route(prod).properties["State"] = "DISABLED"


@caught_by("schedules-ask-for-tasks", not_in=WITHOUT)
def a_rule_for_events_also_comes_by_the_clock(prod: Deployment) -> None:
    a_route(prod).properties["ScheduleExpression"] = "rate(1 minute)"


# ---- where it goes -------------------------------------------------------------------------------------------------


@caught_by("events-come-to-a-worker", not_in=WITHOUT)
def events_go_where_nobody_reads_them(prod: Deployment) -> None:
    goal(prod)["Arn"] = {"Fn::GetAtt": [dead_letters(prod).logical_id, "Arn"]}


@caught_by("events-come-to-a-worker", not_in=WITHOUT)
def events_also_go_to_somebody(prod: Deployment) -> None:
    arn = "arn:aws:sqs:us-east-1:999988887777:theirs"
    a_route(prod).properties["Targets"].append(goal(prod) | {"Id": "Theirs", "Arn": arn})


@caught_by("events-come-to-a-worker", not_in=WITHOUT)
def an_event_arrives_without_its_key(prod: Deployment) -> None:
    goal(prod)["InputPath"] = "$.detail.bucket"


@caught_by("events-may-come", not_in=WITHOUT)
def the_queue_does_not_know_the_rule(prod: Deployment) -> None:
    policy, statement = leave(prod, "TranscriptionQueue")
    policy.properties["PolicyDocument"]["Statement"].remove(statement)


@caught_by("events-may-come", not_in=WITHOUT)
def the_dead_letters_do_not_know_the_rule(prod: Deployment) -> None:
    policy, statement = leave(prod, "TranscriptionDeadLetters")
    policy.properties["PolicyDocument"]["Statement"].remove(statement)


@caught_by("policies-let-in-nobody-else", not_in=WITHOUT)
def a_queue_takes_from_every_rule(prod: Deployment) -> None:
    del leave(prod, "TranscriptionQueue")[1]["Condition"]


@caught_by("policies-let-in-nobody-else", not_in=WITHOUT)
def a_queue_takes_from_rules_of_a_name(prod: Deployment) -> None:
    arn = "arn:aws:events:us-east-1:999988887777:rule/*"
    leave(prod, "TranscriptionQueue")[1]["Condition"] = {"ArnLike": {"aws:SourceArn": arn}}


@caught_by("policies-let-in-nobody-else", not_in=WITHOUT)
def a_queue_takes_from_a_rule_of_somebody(prod: Deployment) -> None:
    arn = "arn:aws:events:us-east-1:999988887777:rule/theirs"
    leave(prod, "TranscriptionQueue")[1]["Condition"]["ArnEquals"]["aws:SourceArn"] = arn


@caught_by("policies-let-in-nobody-else", not_in=WITHOUT)
def a_rule_may_do_more_than_send(prod: Deployment) -> None:
    leave(prod, "TranscriptionQueue")[1]["Action"] = ["sqs:SendMessage", "sqs:PurgeQueue"]


@caught_by("failed-events-are-kept", not_in=WITHOUT)
def an_event_that_fails_is_dropped(prod: Deployment) -> None:
    del goal(prod)["DeadLetterConfig"]


@caught_by("failed-events-are-kept", not_in=WITHOUT)
def an_event_that_fails_goes_to_the_same_queue(prod: Deployment) -> None:
    goal(prod)["DeadLetterConfig"]["Arn"] = goal(prod)["Arn"]


@caught_by("events-are-not-tried-for-a-day", not_in=WITHOUT)
def nobody_decided_how_long_an_event_is_tried(prod: Deployment) -> None:
    del goal(prod)["RetryPolicy"]


@caught_by("events-are-watched", not_in=WITHOUT)
def nobody_hears_that_events_fail(prod: Deployment) -> None:
    route = a_route(prod).logical_id
    remove(pick(prod, ALARM, lambda each: (route, "") in references(each.properties)))


@caught_by("dashboards-show-what-there-is", not_in=WITHOUT)
def nobody_sees_how_many_events_come(prod: Deployment) -> None:
    dashboard = pick(prod, "AWS::CloudWatch::Dashboard", has("DashboardBody"))
    route = a_route(prod).logical_id
    body = text(dashboard.properties["DashboardBody"]).replace(f"${{{route}}}", "nothing")
    dashboard.properties["DashboardBody"] = {"Fn::Sub": body}
    assert app_stack(prod) == dashboard.stack
