"""The real `cdk diff` of a pull request, at an AWS that grants what the Diff role grants and denies all else."""

import os
import subprocess
import sys
from collections.abc import Set as AbstractSet
from pathlib import Path
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.assembly import ROOT, Template
from tests.support.engines import CDK, NODE_PACKAGES, installed
from tests.support.http_server import ThreadedServer

GRANTED = {"DescribeStacks", "GetTemplate"}  # test_github_access.py says that the role has these two
ACCOUNT = "123456789012"


class Denying:
    """Speaks as STS and CloudFormation do. Each stack is deployed already, with the template given."""

    def __init__(self, granted: AbstractSet[str], templates: dict[str, Template]) -> None:
        self.granted, self.templates = granted | {"GetCallerIdentity"}, templates  # that one needs no right
        self.used, self.denied = set[str](), set[str]()
        self.app = Starlette(routes=[Route("/", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        action = form.get("Action") or request.headers["x-amz-target"]
        if action not in self.granted:
            self.denied.add(action)
            error = f"<Error><Code>AccessDenied</Code><Message>not authorized to perform {action}</Message></Error>"
            return Response(f"<ErrorResponse>{error}</ErrorResponse>", status_code=403, media_type="text/xml")
        self.used.add(action)
        body = getattr(self, f"_{action}")(form.get("StackName", ""))
        text = f"<{action}Response><{action}Result>{body}</{action}Result></{action}Response>"
        return Response(text, media_type="text/xml")

    def _GetCallerIdentity(self, _stack: str) -> str:  # noqa: N802 - named as the action is
        return f"<Account>{ACCOUNT}</Account><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/Diff/x</Arn><UserId>x</UserId>"

    def _DescribeStacks(self, stack: str) -> str:  # noqa: N802
        return (
            f"<Stacks><member><StackName>{stack}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>"
            "<CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>"
        )

    def _GetTemplate(self, stack: str) -> str:  # noqa: N802
        text = self.templates[stack.partition("-")[2]].path.read_text()
        return f"<TemplateBody>{escape(text.replace('VisibilityTimeout', 'DelaySeconds'))}</TemplateBody>"


def diff(assembly: Path, address: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command of the workflow."""
    command = ["--no-notices", "--no-color", "diff", "--app", str(assembly), "--method", "template"]
    return subprocess.run(
        [installed(CDK, NODE_PACKAGES), *command],
        cwd=ROOT,
        env={
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "CDK_HOME": str(home),  # where the CLI remembers to which account a key belongs
            "CI": "true",
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_diff_needs_exactly_the_rights_of_its_role(assemblies, tmp_path):
    aws = Denying(GRANTED, assemblies["dev"].templates)
    with ThreadedServer(aws.app) as server:
        done = diff(assemblies["dev"].folder, server.url, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.used == GRANTED | {"GetCallerIdentity"}, "nothing is granted that is not used"
    assert aws.denied == {"AssumeRole"}, "the CLI tries the bootstrap roles first, and goes on without"
    assert "[~] AWS::SQS::Queue" in done.stdout
    assert "VisibilityTimeout" in done.stdout


def test_a_diff_without_the_right_to_read_templates_fails(assemblies, tmp_path):
    aws = Denying(GRANTED - {"GetTemplate"}, assemblies["dev"].templates)
    with ThreadedServer(aws.app) as server:
        done = diff(assemblies["dev"].folder, server.url, tmp_path)
    assert done.returncode != 0
    assert "not authorized to perform GetTemplate" in done.stdout + done.stderr
