"""A task that a worker function is given at a fixed rate."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.service_function import ServiceFunction


class Schedule(Construct):
    """Call a function with the same event every so many minutes.

    A failed call is not repeated: the next one comes on its own and finds the same work.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: ServiceFunction,
        every: Duration,
        event: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        function.function.configure_async_invoke(retry_attempts=0, max_event_age=every)
        self.rule = events.Rule(self, "Rule", schedule=events.Schedule.rate(every))
        self.rule.add_target(
            targets.LambdaFunction(
                function.function,
                event=events.RuleTargetInput.from_object(dict(event)),
                retry_attempts=0,
                max_event_age=every,
            )
        )
        comes_again = "A lost call needs no second queue: the next one does the same work"
        acknowledge(self.rule, "Serverless-EventBusDLQ", comes_again)
        acknowledge(function.function, "Serverless-LambdaAsyncFailureDestination", comes_again)
