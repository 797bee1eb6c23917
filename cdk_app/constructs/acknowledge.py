"""Accept a finding of the policy checks, at the construct it concerns and with the reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding of cdk-nag for a construct and what is inside it; all others still stop the synthesis."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
