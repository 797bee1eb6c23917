"""`python -m cdk_app.operations.drift cdk.out`: does AWS still hold what the templates say?

Ends with 0 when everything that can be checked is in sync, 1 when something was changed by hand, and 2 when a stack or
a resource could not be looked at: silence is not a good sign. (`cdk drift --fail` ends with 0 then.)
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

IN_SYNC: Final = 0
DRIFTED: Final = 1
COULD_NOT_LOOK: Final = 2

DEADLINE_SECONDS: Final = 600.0  # for all stacks together; they are checked side by side
PAUSE_SECONDS: Final = 5.0
CLIENT: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one stack. changed: resources that differ. unseen: why something could not be looked at."""

    stack: str
    checked: int = 0
    changed: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Not having looked outweighs a finding."""
        if self.unseen or not self.checked:
            return COULD_NOT_LOOK
        return DRIFTED if self.changed else IN_SYNC


def stacks_of(assembly: Path) -> list[str]:
    """Names of the stacks in a cloud assembly. Raises OSError when there is none."""
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    return [
        artifact["properties"].get("stackName", name)
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    ]


def detect(
    client: "CloudFormationClient", stacks: Sequence[str], *, deadline_seconds: float, pause_seconds: float
) -> list[Report]:
    """Detect the drift of all stacks at once and wait for all, at most deadline_seconds."""
    until = time.monotonic() + deadline_seconds
    detections = {stack: _start(client, stack) for stack in stacks}
    return [
        begun if isinstance(begun, Report) else _finish(client, stack, begun, until=until, pause_seconds=pause_seconds)
        for stack, begun in detections.items()
    ]


def _start(client: "CloudFormationClient", stack: str) -> str | Report:
    """The id of a detection that was begun, or why it was not."""
    try:
        return client.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    except (BotoCoreError, ClientError) as error:
        return Report(stack, unseen=(str(error),))


def _finish(
    client: "CloudFormationClient", stack: str, detection: str, *, until: float, pause_seconds: float
) -> Report:
    try:
        if reason := _wait(client, detection, until=until, pause_seconds=pause_seconds):
            return Report(stack, unseen=(reason,))
        return _report(stack, _resources(client, stack))
    except (BotoCoreError, ClientError) as error:
        return Report(stack, unseen=(str(error),))


def _wait(client: "CloudFormationClient", detection: str, *, until: float, pause_seconds: float) -> str | None:
    """Wait for a detection; None when it is complete, else why it is not."""
    while True:
        status = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if status["DetectionStatus"] == "DETECTION_COMPLETE":
            return None
        if status["DetectionStatus"] == "DETECTION_FAILED":
            return status.get("DetectionStatusReason", "detection failed")
        if time.monotonic() > until:
            return "detection did not end in time"
        time.sleep(pause_seconds)


def _resources(client: "CloudFormationClient", stack: str) -> Iterator[tuple[str, str]]:
    """Logical id and drift status of every resource that was looked at."""
    token: str | None = None
    while True:
        more = {"NextToken": token} if token else {}
        page = client.describe_stack_resource_drifts(StackName=stack, MaxResults=100, **more)  # type: ignore[arg-type]
        yield from (
            (drift["LogicalResourceId"], drift["StackResourceDriftStatus"]) for drift in page["StackResourceDrifts"]
        )
        token = page.get("NextToken")
        if not token:
            return


def _report(stack: str, resources: Iterable[tuple[str, str]]) -> Report:
    found = [(name, status) for name, status in resources if status not in {"NOT_CHECKED", "UNSUPPORTED"}]
    return Report(
        stack,
        checked=len(found),
        changed=tuple(f"{name} {status}" for name, status in found if status in {"MODIFIED", "DELETED"}),
        unseen=tuple(f"{name} could not be read" for name, status in found if status == "UNKNOWN"),
    )


def main(
    assembly: Annotated[Path, typer.Argument(help="a synthesised environment: cdk.out")],
) -> None:
    """Detect the drift of every stack of an environment."""
    client = boto3.client("cloudformation", config=CLIENT)
    reports = detect(client, stacks_of(assembly), deadline_seconds=DEADLINE_SECONDS, pause_seconds=PAUSE_SECONDS)
    for report in reports:
        typer.echo(f"{report.stack}: {report.checked} resources, {len(report.changed)} changed")
        for line in (*report.changed, *report.unseen):
            typer.echo(f"  {line}")
    raise typer.Exit(max((report.exit_code for report in reports), default=COULD_NOT_LOOK))


if __name__ == "__main__":
    typer.run(main)
