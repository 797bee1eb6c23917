"""Drift detection with the real SDK, against a CloudFormation that answers as AWS documents and notes who asked what.

The emulator of the local cloud knows no drift detection.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackDriftDetectionStatus.html
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import boto3
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cdk_app.operations.drift import CLIENT, COULD_NOT_LOOK, DRIFTED, IN_SYNC, Report, detect, stacks_of
from tests.support.http_server import ThreadedServer

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

type Drifts = list[tuple[str, str]]


class CloudFormation:
    """Stacks by name, each with the drift of its resources. Detection takes `rounds` questions, then ends as `ends`."""

    def __init__(self, stacks: Mapping[str, Drifts], *, rounds: int = 1, ends: str = "DETECTION_COMPLETE") -> None:
        self.stacks, self.rounds, self.ends = stacks, rounds, ends
        self.asked = Counter[str]()
        self.app = Starlette(routes=[Route("/", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        action = form["Action"]
        self.asked[action] += 1
        stack = form.get("StackName") or form["StackDriftDetectionId"].removeprefix("detection-")
        if stack not in self.stacks:
            error = f"<Error><Code>ValidationError</Code><Message>Stack [{stack}] does not exist</Message></Error>"
            return xml(f"<ErrorResponse>{error}</ErrorResponse>", status=400)
        answers = {
            "DetectStackDrift": lambda: f"<StackDriftDetectionId>detection-{stack}</StackDriftDetectionId>",
            "DescribeStackDriftDetectionStatus": self._status,
            "DescribeStackResourceDrifts": lambda: self._page(stack, int(form.get("NextToken", "0"))),
        }
        return xml(f"<{action}Response><{action}Result>{answers[action]()}</{action}Result></{action}Response>")

    def _status(self) -> str:
        is_over = self.asked["DescribeStackDriftDetectionStatus"] >= self.rounds
        status = self.ends if is_over else "DETECTION_IN_PROGRESS"
        return (
            f"<StackId>id</StackId><StackDriftDetectionId>d</StackDriftDetectionId><DetectionStatus>{status}</DetectionStatus>"
            "<DetectionStatusReason>no right to read</DetectionStatusReason><Timestamp>2026-01-01T00:00:00Z</Timestamp>"
        )

    def _page(self, stack: str, start: int) -> str:
        """Two resources a page, so that there is a second one."""
        drifts = self.stacks[stack]
        members = "".join(
            f"<member><LogicalResourceId>{name}</LogicalResourceId><StackResourceDriftStatus>{status}"
            "</StackResourceDriftStatus></member>"
            for name, status in drifts[start : start + 2]
        )
        token = f"<NextToken>{start + 2}</NextToken>" if start + 2 < len(drifts) else ""
        return f"<StackResourceDrifts>{members}</StackResourceDrifts>{token}"


def xml(body: str, status: int = 200) -> Response:
    return Response(body, status_code=status, media_type="text/xml")


def looked_at(cloud: CloudFormation, *stacks: str, deadline_seconds: float = 5.0) -> list[Report]:
    with ThreadedServer(cloud.app) as server:
        client: CloudFormationClient = boto3.client(
            "cloudformation",
            endpoint_url=server.url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=CLIENT,
        )
        return detect(client, stacks, deadline_seconds=deadline_seconds, pause_seconds=0.01)


def test_a_stack_in_sync_is_in_sync():
    drifts = [("Table", "IN_SYNC"), ("Queue", "IN_SYNC"), ("Policy", "NOT_CHECKED")]
    [report] = looked_at(CloudFormation({"dev-A": drifts}, rounds=3), "dev-A")
    assert report == Report("dev-A", checked=2)
    assert report.exit_code == IN_SYNC


def test_what_was_changed_or_deleted_by_hand_is_named_from_every_page():
    drifts = [("A", "IN_SYNC"), ("B", "MODIFIED"), ("C", "IN_SYNC"), ("D", "IN_SYNC"), ("E", "DELETED")]
    [report] = looked_at(CloudFormation({"dev-A": drifts}), "dev-A")
    assert report.changed == ("B MODIFIED", "E DELETED")
    assert report.exit_code == DRIFTED


def test_all_stacks_are_asked_before_the_first_is_waited_for():
    cloud = CloudFormation({"dev-A": [("T", "IN_SYNC")], "dev-B": [("T", "MODIFIED")]})
    assert [report.exit_code for report in looked_at(cloud, "dev-A", "dev-B")] == [IN_SYNC, DRIFTED]
    assert cloud.asked["DetectStackDrift"] == 2


def test_a_resource_that_could_not_be_read_outweighs_a_finding():
    [report] = looked_at(CloudFormation({"dev-A": [("T", "MODIFIED"), ("Q", "UNKNOWN")]}), "dev-A")
    assert report.unseen == ("Q could not be read",)
    assert report.exit_code == COULD_NOT_LOOK


def test_a_stack_that_does_not_exist_could_not_be_looked_at_and_the_others_are():
    cloud = CloudFormation({"dev-B": [("T", "IN_SYNC")]})
    missing, found = looked_at(cloud, "dev-A", "dev-B")
    assert missing.exit_code == COULD_NOT_LOOK
    assert "Stack [dev-A] does not exist" in missing.unseen[0]
    assert found.exit_code == IN_SYNC


def test_a_detection_that_fails_says_why():
    [report] = looked_at(CloudFormation({"dev-A": []}, ends="DETECTION_FAILED"), "dev-A")
    assert report == Report("dev-A", unseen=("no right to read",))


def test_waiting_has_an_end():
    cloud = CloudFormation({"dev-A": []}, rounds=1_000_000)
    [report] = looked_at(cloud, "dev-A", deadline_seconds=0.1)
    assert report.unseen == ("detection did not end in time",)
    assert report.exit_code == COULD_NOT_LOOK


def test_a_stack_in_which_nothing_was_checked_is_not_called_in_sync():
    [report] = looked_at(CloudFormation({"dev-A": [("P", "NOT_CHECKED")]}), "dev-A")
    assert report.exit_code == COULD_NOT_LOOK


def test_stacks_are_those_of_the_assembly(tmp_path):
    artifacts = {
        "devA123": {"type": "aws:cloudformation:stack", "properties": {"stackName": "dev-A"}},
        "B": {"type": "aws:cloudformation:stack", "properties": {}},
        "devA123.assets": {"type": "cdk:asset-manifest", "properties": {}},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    assert stacks_of(tmp_path) == ["dev-A", "B"]


def test_no_assembly_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        stacks_of(tmp_path)
