"""Rules about topics: who may write to them, who hears it, and what the template knows of those people."""

from collections.abc import Iterator

from tests.infra.gates.metrics import ALARM, COMPOSITE
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.references import as_list, target, text

TOPIC = "AWS::SNS::Topic"
POLICY = "AWS::SNS::TopicPolicy"
SUBSCRIPTION = "AWS::SNS::Subscription"
OF_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
OVER_PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}


def statements_about(deployment: Deployment, topic: Resource, effect: str) -> Iterator[Json]:
    for policy in deployment.of_type(POLICY):
        if topic in [target(deployment, policy.stack, each) for each in policy.properties["Topics"]]:
            for statement in as_list(policy.properties["PolicyDocument"]["Statement"]):
                is_about_it = target(deployment, policy.stack, statement.get("Resource")) == topic
                if statement["Effect"] == effect and (is_about_it or effect == "Allow"):  # `*` and lists allow as well
                    yield statement


@rule("topics-have-a-listener", "A message to a topic without subscription is thrown away")
def topics_have_a_listener(deployment: Deployment) -> Complaints:
    heard = {
        str(target(deployment, each.stack, each.properties["TopicArn"])) for each in deployment.of_type(SUBSCRIPTION)
    }
    for alarm in deployment.of_type(ALARM, COMPOSITE):
        for action in alarm.properties.get("AlarmActions", []):
            topic = target(deployment, alarm.stack, action)
            if topic is None or topic.type != TOPIC or str(topic) not in heard:
                yield alarm, f"its action {text(action)} reaches nobody"


@rule("topics-hear-alarms", "An alarm that may not publish changes colour, and nobody hears of it")
def topics_hear_alarms(deployment: Deployment) -> Complaints:
    for topic in deployment.of_type(TOPIC):
        publishers = {
            service
            for statement in statements_about(deployment, topic, "Allow")
            if statement["Action"] == "sns:Publish" and isinstance(statement["Principal"], dict)
            for service in as_list(statement["Principal"].get("Service"))
        }
        budgets = [each for each in topic.stack.resources.values() if each.type == "AWS::Budgets::Budget"]
        for service in ("cloudwatch", *(["budgets"] if budgets else [])):
            if f"{service}.amazonaws.com" not in publishers:
                yield topic, f"is open to {', '.join(sorted(publishers)) or 'nobody'}, and not to {service}"


@rule("topics-hear-this-account-alone", "A service publishes for whoever asks it, from whatever account")
def topics_hear_this_account_alone(deployment: Deployment) -> Complaints:
    for topic in deployment.of_type(TOPIC):
        for statement in statements_about(deployment, topic, "Allow"):
            if statement.get("Condition") != OF_THIS_ACCOUNT:
                yield topic, f"hears {statement['Principal']} on condition of {statement.get('Condition')}"


@rule("topics-refuse-plain-http", "An alarm sent in the clear tells others what is broken")
def topics_refuse_plain_http(deployment: Deployment) -> Complaints:
    for topic in deployment.of_type(TOPIC):
        denied = [each for each in statements_about(deployment, topic, "Deny") if each["Principal"] == "*"]
        if OVER_PLAIN_HTTP not in [each.get("Condition") for each in denied]:
            yield topic, "takes messages over plain HTTP"


@rule("addresses-are-asked-for", "An address in a template is in the repository, and of somebody who may have left")
def addresses_are_asked_for(deployment: Deployment) -> Complaints:
    for subscription in deployment.of_type(SUBSCRIPTION):
        endpoint, stack = subscription.properties.get("Endpoint"), subscription.stack
        name = endpoint.get("Ref") if isinstance(endpoint, dict) else None
        parameter = stack.body.get("Parameters", {}).get(name)
        if parameter is None or parameter.get("Default") != "":
            yield subscription, f"sends to {text(endpoint)}, and nobody is asked whether to"
            continue
        given = stack.body.get("Conditions", {}).get(subscription.body.get("Condition"))
        if given != {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}:
            yield subscription, "is made also when nobody gave an address"
