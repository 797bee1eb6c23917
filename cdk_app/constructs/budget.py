"""A monthly budget for one service in one environment, which tells the service's alarm topic."""

from typing import Final

from aws_cdk import Tags
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

# Cost allocation tags. The bill knows them once they are activated, for the whole organisation:
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
SERVICE_TAG: Final = "service"
ENVIRONMENT_TAG: Final = "environment"
# One tag for both, since AWS does not say whether a budget with two tag filters wants one of them or both.
DEPLOYMENT_TAG: Final = "deployment"
LIKELY_PERCENT: Final = 100  # of the limit, forecast for the end of the month: there is time to act
REACHED_PERCENT: Final = 100  # of the limit, spent


class ServiceBudget(Construct):
    """Tells a topic when the costs of a deployment will probably pass, or have passed, a monthly limit.

    It counts what carries the tag `deployment`; a cost that AWS cannot assign to a tagged resource is missing. It
    informs; nothing is switched off.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, deployment: str, monthly_limit_usd: int, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=monthly_limit_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{DEPLOYMENT_TAG}${deployment}"]},
            ),
            notifications_with_subscribers=[
                _notification("FORECASTED", LIKELY_PERCENT, topic),
                _notification("ACTUAL", REACHED_PERCENT, topic),
            ],
        )


def deployment_name(service: str, environment: str) -> str:
    """Value of the tag `deployment`."""
    return f"{service}-{environment}"


def tag_for_the_bill(scope: IConstruct, *, service: str, environment: str) -> None:
    """Put the cost allocation tags on everything inside that can carry tags."""
    Tags.of(scope).add(SERVICE_TAG, service)
    Tags.of(scope).add(ENVIRONMENT_TAG, environment)
    Tags.of(scope).add(DEPLOYMENT_TAG, deployment_name(service, environment))


def _notification(kind: str, percent: int, topic: sns.ITopic) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            comparison_operator="GREATER_THAN", notification_type=kind, threshold=percent, threshold_type="PERCENTAGE"
        ),
        subscribers=[budgets.CfnBudget.SubscriberProperty(address=topic.topic_arn, subscription_type="SNS")],
    )
