"""DynamoDB Local as the local cloud runs it, and as all processes of a test run share it."""

import socket
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest

from cdk_app.local import dynamodb_local
from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.local.layout import ROOT, LocalCloudError
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.store import Put, Store
from tests.support.dynamodb_local import shared_endpoint
from tests.support.ports import free_port
from tests.support.sample_tables import KEEP_PLACE, PLACE, PLACE_OF_BOOK, PLACES, Place

pytestmark = pytest.mark.usefixtures("dynamodb_endpoint")  # skips where the engine is not installed


def client_at(url: str) -> Any:
    return make_client(region="us-east-1", endpoint_url=url, read_timeout_seconds=30)


def test_tables_on_disk_are_there_after_a_restart_and_the_repository_stays_clean(tmp_path):
    before = set(ROOT.iterdir())
    for is_first in (True, False):
        engine = DynamoDBLocal(free_port(), tmp_path / "data")
        try:
            engine.start()
            engine.wait_until_ready()
            client = client_at(engine.endpoint_url)
            store = Store(Boto3Client(client), {"places": "Places"})
            if is_first:
                client.create_table(**create_table_input(PLACES, "Places"))
                store.put(KEEP_PLACE, Put(PLACE, Place(name="attic")))
            assert store.get(PLACE_OF_BOOK, name="attic") == Place(name="attic")
        finally:
            engine.stop()
        assert not engine.is_running
    assert "dynamodb-local-metadata.json" not in {path.name for path in set(ROOT.iterdir()) - before}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has further loopback addresses")
def test_it_listens_on_one_address_and_not_on_all(dynamodb_endpoint):
    with socket.socket() as another:
        another.bind(("127.0.0.2", httpx.URL(dynamodb_endpoint).port))


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8102", 200), ("127.0.0.1", 200), ("[::1]:8102", 200), ("evil.example:8102", 404), ("0.0.0.0", 404)],
)
def test_a_name_that_was_bent_to_this_machine_is_refused(dynamodb_endpoint, host, status):
    signed = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b"
    headers = {
        "host": host,
        "authorization": signed,
        "x-amz-target": "DynamoDB_20120810.ListTables",
        "content-type": "application/x-amz-json-1.0",
    }
    answer = httpx.post(dynamodb_endpoint, headers=headers, content="{}", timeout=30, trust_env=False)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_missing_engine_is_a_clear_message(monkeypatch, tmp_path):
    monkeypatch.setattr(dynamodb_local, "EMULATOR", tmp_path)
    with pytest.raises(LocalCloudError, match="make setup"):
        DynamoDBLocal(free_port()).start()


def test_a_taken_port_is_a_clear_message():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # bound, and nobody listens: the engine cannot have it, and nobody answers for it
        engine = DynamoDBLocal(taken.getsockname()[1])
        try:
            engine.start()
            with pytest.raises(LocalCloudError, match=f"{engine.port} of DynamoDB Local is taken"):
                engine.wait_until_ready()
        finally:
            engine.stop()


def test_the_shared_engine_ends_with_the_run_it_belongs_to(tmp_path):
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        url = shared_endpoint(tmp_path / "shared", run_process_id=run.pid)
        assert shared_endpoint(tmp_path / "shared", run_process_id=run.pid) == url
        assert make_client(region="us-east-1", endpoint_url=url).list_tables()["TableNames"] == []
    finally:
        run.kill()
        run.communicate()
    assert is_gone(url)


def is_gone(url: str) -> bool:
    port = int(url.rpartition(":")[2])
    for _ in range(150):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return True
        time.sleep(0.1)
    return False
