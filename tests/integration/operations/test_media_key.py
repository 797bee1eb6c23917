"""The key that signs addresses of files: made once, its private half in the secret alone."""

import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from typer.testing import CliRunner

from cdk_app.local.ministack import QUICK
from cdk_app.operations.media_key import FIELD, app

PADDING = padding.PKCS1v15()
STACK = "dev-YotoSmartStreamData"


@pytest.fixture
def clients(cloud, monkeypatch):
    """The emulator as the AWS that commands find."""
    monkeypatch.setattr("boto3.client", lambda name, **_: cloud.session.client(name, endpoint_url=cloud.url))
    made = {name: cloud.session.client(name, endpoint_url=cloud.url, config=QUICK) for name in ("cloudformation",)}
    made["secretsmanager"] = cloud.session.client("secretsmanager", endpoint_url=cloud.url, config=QUICK)
    yield made
    made["cloudformation"].delete_stack(StackName=STACK)


@pytest.fixture
def deploy(clients):
    def deployed(**secrets):
        resources = {
            name: {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {
                    "GenerateSecretString": {"SecretStringTemplate": template, "GenerateStringKey": "unused"}
                },
            }
            for name, template in secrets.items()
        }
        clients["cloudformation"].create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": resources}))
        clients["cloudformation"].get_waiter("stack_create_complete").wait(StackName=STACK)
        found = clients["cloudformation"].describe_stack_resources(StackName=STACK)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}

    return deployed


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def stored(clients, secret):
    return json.loads(clients["secretsmanager"].get_secret_value(SecretId=secret)["SecretString"])


def test_a_key_is_made_once_and_signs_what_its_public_half_accepts(clients, deploy):
    secret = deploy(MediaKey1A2B3C4D='{"private_key": ""}', Other='{"private_key": ""}')["MediaKey1A2B3C4D"]
    first, again = run("dev"), run("dev")
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert first.stdout == again.stdout
    assert "A new key" in first.stderr
    assert "The key that is" in again.stderr
    value = stored(clients, secret)
    assert value["unused"]
    private = serialization.load_pem_private_key(value[FIELD].encode(), password=None)
    public = serialization.load_pem_public_key(first.stdout.encode())
    assert isinstance(private, rsa.RSAPrivateKey)
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(private.sign(b"policy", PADDING, hashes.SHA256()), b"policy", PADDING, hashes.SHA256())
    assert public.key_size == 2048
    assert "PRIVATE" not in first.output + again.output


def test_another_one_takes_its_place_when_asked(deploy):
    deploy(MediaKey='{"private_key": ""}')
    first, second, third = run("dev"), run("dev", "--replace"), run("dev")
    assert first.stdout != second.stdout
    assert second.stdout == third.stdout


@pytest.mark.parametrize("secrets", [{}, {"Other": "{}"}])
def test_where_there_is_no_secret_it_says_how_it_comes_to_be(deploy, secrets):
    if secrets:
        deploy(**secrets)
    done = run("dev")
    assert done.exit_code == 1
    assert f"cdk deploy {STACK} -c environment=dev -c enable_cloudfront=true" in done.stderr


@pytest.mark.parametrize("arguments", [("local",), ("production",), ("dev", "--service", "NbhdCity")])
def test_it_is_for_what_can_have_a_distribution(arguments):
    assert run(*arguments).exit_code == 2
