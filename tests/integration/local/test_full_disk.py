"""DynamoDB Local on a disk that takes no more: it acknowledges what it then loses, and its log is all that says so."""

import os
import re
import resource
import signal
import time
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.local.leftovers import process_id_path
from cdk_app.local.ministack import QUICK, local_session
from cdk_app.local.trouble import LOG_DELAY_SECONDS, LogWatch
from tests.support.ports import free_port

BEFORE = 20
ROOM_BYTES = 30_000
MOST_CREATES = 400


def client_of(engine: DynamoDBLocal):
    engine.start()
    engine.wait_until_ready()
    return local_session().client("dynamodb", endpoint_url=engine.endpoint_url, config=QUICK)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits the files of a running process: Linux")
def test_of_a_full_disk_somebody_says_so_and_all_that_was_acknowledged_before_is_there(tmp_path):
    first, second = DynamoDBLocal(free_port(), tmp_path), DynamoDBLocal(free_port(), tmp_path)
    try:
        client = client_of(first)
        client.create_table(
            TableName="Sample", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )  # fmt: skip
        log = LogWatch("DynamoDB Local", first.log_path)
        acknowledged: dict[str, float] = {}

        def create(number: int) -> None:
            item = {"id": {"S": str(number)}, "text": {"S": os.urandom(400).hex()}}
            one = {"Put": {"TableName": "Sample", "Item": item, "ConditionExpression": "attribute_not_exists(id)"}}
            other = {"Put": {"TableName": "Sample", "Item": {"id": {"S": f"name of {number}"}}}}
            client.transact_write_items(TransactItems=[one, other])
            acknowledged[str(number)] = time.time()

        for number in range(BEFORE):
            create(number)
        time.sleep(LOG_DELAY_SECONDS + 1)
        assert log.trouble() is None
        limit = (tmp_path / "shared-local-instance.db").stat().st_size + ROOM_BYTES
        engine = int(process_id_path(first.log_path).read_text())
        resource.prlimit(engine, resource.RLIMIT_FSIZE, (limit, limit))
        with suppress(ClientError):
            for number in range(BEFORE, MOST_CREATES):
                create(number)
                if log.trouble():
                    break
        deadline = time.monotonic() + 30  # the line comes after the exception
        while log.trouble() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        told = log.trouble()
        assert told is not None
        assert "See whether the disk is full" in told
        [since] = re.findall(r"since (\d\d:\d\d:\d\d) may be missing", told)
        os.kill(engine, signal.SIGKILL)
        first.stop()

        there = client_of(second)
        is_kept = {each: "Item" in there.get_item(TableName="Sample", Key={"id": {"S": each}}) for each in acknowledged}
        assert all(is_kept[str(number)] for number in range(BEFORE))
        lost_at = [time.localtime(acknowledged[each]) for each, kept in is_kept.items() if not kept]
        assert all(time.strftime("%H:%M:%S", moment) >= since for moment in lost_at)
    finally:
        first.stop()
        second.stop()
