"""What functions may do with jobs of Amazon Transcribe, and the events that tell of their end."""

from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.environments import Environment
from lambda_src.runtime.transcription_jobs import DETAIL_TYPE, ENDS, TranscriptionJobs

ON_ANYTHING: Final = "*"


class JobAccess:
    """Jobs of one service in one environment, as its stack grants them and hears of them."""

    def __init__(self, jobs: TranscriptionJobs, environment: Environment) -> None:
        self._jobs = jobs
        self._environment = environment.name

    def grant(self, role: iam.Role, *, asked_by: str) -> None:
        """Allow what a function is declared to do, on jobs whose names begin as those of its environment do."""
        rights = list(self._jobs.rights(asked_by, self._environment))
        anywhere = [action for action, names in rights if names == ON_ANYTHING]
        on_ours = [action for action, names in rights if names != ON_ANYTHING]
        if anywhere:
            _allow(role, anywhere, ON_ANYTHING)
            acknowledge(role, "AwsSolutions-IAM5[Resource::*]", "Starting a job of Transcribe knows no resource")
        if on_ours:
            names = f"{self._jobs.beginning(self._environment)}*"
            arn = Stack.of(role).format_arn(service="transcribe", resource="transcription-job", resource_name=names)
            _allow(role, on_ours, arn)
            acknowledge(
                role,
                "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:transcribe:<AWS::Region>:<AWS::AccountId>:"
                f"transcription-job/{names}]",
                "Jobs have no other name before they are there; how the names begin is declared",
            )

    def ended(self) -> dict[str, Any]:
        """The pattern of events that tell of the end of each job, good or bad."""
        return {
            "source": ["aws.transcribe"],
            "detail-type": [DETAIL_TYPE],
            "detail": {
                "TranscriptionJobStatus": list(ENDS),
                "TranscriptionJobName": [{"prefix": self._jobs.beginning(self._environment)}],
            },
        }


def _allow(role: iam.Role, actions: Sequence[str], resource: str) -> None:
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=[f"transcribe:{action}" for action in actions], resources=[resource])
    )
