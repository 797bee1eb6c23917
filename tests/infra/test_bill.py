"""Who pays for what: cost allocation tags on everything that can carry them, and a budget that reads them."""

from typing import Any

import pytest

from cdk_app.environments import ENVIRONMENTS
from cdk_app.services.registry import SERVICES
from tests.support.assembly import Assembly, Resource

# Types here that CloudFormation cannot tag: settings and links of resources that are tagged themselves.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
WITHOUT_TAGS = {
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::CodeDeploy::DeploymentConfig",
    "AWS::IAM::Policy",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::QueryDefinition",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}


def tags(resource: Resource) -> dict[str, str]:
    """Tags of a resource, which CloudFormation writes in four ways."""
    properties: dict[str, Any] = resource["Properties"]
    [place] = properties.get("Replicas", [properties])
    written = place.get("Tags", place.get("ResourceTags", {}))
    return written if isinstance(written, dict) else {tag["Key"]: tag["Value"] for tag in written}


def test_everything_that_can_be_tagged_says_whose_it_is(assembly: Assembly):
    seen = set()
    for stack, template in assembly.templates.items():
        [service] = [each.name for each in SERVICES if stack.startswith(each.name)]
        expected = {
            "service": service,
            "environment": assembly.environment,
            "deployment": f"{service}-{assembly.environment}",
        }
        for name, resource in template.body["Resources"].items():
            if resource["Type"] not in WITHOUT_TAGS:
                assert tags(resource) == expected, name
                seen.add(resource["Type"])
    assert {"AWS::Logs::LogGroup", "AWS::Lambda::Function", "AWS::DynamoDB::GlobalTable", "AWS::SQS::Queue"} <= seen


def test_the_budget_counts_what_carries_the_tag_of_this_deployment(deployed):
    budget = deployed.app.properties("AWS::Budgets::Budget")["Budget"]
    assert budget["CostFilters"] == {"TagKeyValue": [f"user:deployment$StockTrackRecord-{deployed.environment}"]}
    assert (budget["BudgetType"], budget["TimeUnit"]) == ("COST", "MONTHLY")
    limit = ENVIRONMENTS[deployed.environment].monthly_budget_usd
    assert budget["BudgetLimit"] == {"Amount": limit, "Unit": "USD"}


@pytest.mark.parametrize("kind", ["FORECASTED", "ACTUAL"])
def test_the_alarm_topic_is_told_before_and_when_the_limit_is_passed(deployed, kind):
    [topic_id] = deployed.app.of_type("AWS::SNS::Topic")
    told = {
        each["Notification"]["NotificationType"]: each
        for each in deployed.app.properties("AWS::Budgets::Budget")["NotificationsWithSubscribers"]
    }
    assert told[kind]["Subscribers"] == [{"Address": {"Ref": topic_id}, "SubscriptionType": "SNS"}]
    assert (told[kind]["Notification"]["Threshold"], told[kind]["Notification"]["ThresholdType"]) == (100, "PERCENTAGE")


def test_the_local_cloud_has_no_bill(assemblies):
    assert not assemblies["local"].app.of_type("AWS::Budgets::Budget")
