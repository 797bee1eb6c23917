"""Yoto Smart Stream moved in, with every call to AWS recorded: who moves it may do this and no more."""

import json
from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest

from cdk_app.constructs.migration_operator import MIGRATION_ACTIONS
from cdk_app.local.ministack import QUICK, local_session
from lambda_src.dynamo import boto3_client
from lambda_src.migration import assembly
from lambda_src.services.yoto_smart_stream.tables import AUDIO_BUCKET, MAIN, TABLES
from tests.infra.gates.identity import OPERATOR, ROLE
from tests.infra.gates.loading import deployment_of
from tests.infra.gates.operators import rights_beside_tables
from tests.support.migration.operator import Operator
from tests.support.migration.yoto_smart_stream_files import audio, earlier_file, user
from tests.support.migration.yoto_smart_stream_operator import done
from tests.support.recorded_operations import Recorder

STACK: Final = "YotoSmartStreamData"
SECRETS: Final = {"BootstrapAdmin": {"username": "admin", "password": "Generated0Password0Of024"}, "YotoOAuth": {}}
ON_THE_TABLE: Final = "dynamodb:"


@pytest.fixture
def made(cloud) -> Iterator[dict[str, str]]:
    """Secrets and bucket of a data stack as CloudFormation made them: physical ids by construct."""
    resources: dict[str, Any] = {
        f"{name}12345678": {
            "Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": json.dumps(value)}
        } for name, value in SECRETS.items()
    }  # fmt: skip
    resources["AudioBucket12345678"] = {"Type": "AWS::S3::Bucket"}
    stacks = cloud.session.client("cloudformation", endpoint_url=cloud.url, config=QUICK)
    stack = f"local-{STACK}"
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    found = stacks.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    yield {each["LogicalResourceId"].removesuffix("12345678"): each["PhysicalResourceId"] for each in found}
    stacks.delete_stack(StackName=stack)


@pytest.fixture
def recorder(cloud, made, make_tables, monkeypatch):
    """Notes calls of the migration to DynamoDB, and those of boto3's default session, which leads to the emulator."""
    names = {
        **make_tables(TABLES),
        STACK: f"local-{STACK}",
        **{name: made[name] for name in SECRETS},
        AUDIO_BUCKET.environment_variable.lower(): made["AudioBucket"],
    }
    noted = Recorder(None, names, TABLES, (AUDIO_BUCKET,))  # type: ignore[arg-type] # nothing is called through it
    session = local_session()
    noted.listen(session.events)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
    make = boto3_client.make_client  # of a session of its own

    def made_to_be_heard(**chosen: Any) -> Any:
        client = make(**chosen)
        noted.listen(client.meta.events)
        return client

    monkeypatch.setattr(assembly, "make_client", made_to_be_heard)
    return noted


def physical(recorder: Recorder) -> str:
    """The name of the table."""
    return next(named for named, name in recorder._names.items() if name == MAIN.name)


@pytest.fixture
def moved(recorder, dynamodb_endpoint, tmp_path):
    """What every phase does that is for this service alone, with something to do for each."""
    earlier, folder = tmp_path / "earlier.db", tmp_path / "audio"
    folder.mkdir()
    (folder / "a.mp3").write_bytes(b"audio")
    (folder / "b.mp3").write_bytes(b"more")
    earlier_file(
        earlier,
        users=[user(1, "admin", is_admin=1, yoto_refresh_token="refresh-1"), user(2, "bob", is_admin=1)],
        audio_files=[audio(1, "a.mp3"), audio(2, "b.mp3")],
    )
    url = f"sqlite:///{earlier}"
    mover = Operator("yoto_smart_stream", url, dynamodb_endpoint, {"main": physical(recorder)}, tmp_path / "kept")
    for phase in (("check",), ("init",), ("copy",), ("secrets",), ("verify", "--full")):
        done(mover, *phase)
    done(mover, "audio-files", f"--from={folder}")
    for phase in (("verify",), ("cutover", "--open")):
        done(mover, *phase)
    return recorder


def test_who_moves_it_may_do_beside_the_table_what_all_phases_do_and_no_more(moved, variants):
    deployment = deployment_of(variants["operated-by-role"])
    [operator] = [role for role in deployment.of_type(ROLE) if OPERATOR in role.logical_id and role.stack.name == STACK]
    places = {f"{AUDIO_BUCKET.environment_variable.lower()}/media": "AudioBucket/media/*", STACK: f"stack/{STACK}/*"}
    done_beside = {
        f"{action} on {places.get(place, place)}"
        for place, action in moved.operations["api"]
        if not action.startswith(ON_THE_TABLE)
    }
    assert done_beside == rights_beside_tables(deployment, operator)


def test_it_does_to_the_table_nothing_but_what_who_moves_it_may(moved):
    asked = {pair for pair in moved.operations["api"] if pair[1].startswith(ON_THE_TABLE)}
    assert asked
    assert asked <= {(MAIN.name, f"dynamodb:{action}") for action in MIGRATION_ACTIONS}
