"""An import that is killed goes on where it was, and holds little in memory however many rows there are."""

import json
import os
import subprocess
import sys
import time

import pytest

from lambda_src.dynamo.boto3_client import make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.migration.jobs import items_of
from tests.support.migration.nbhd_city_rows import ORPHAN_EVERY, SAME_NAME_EVERY, many_rows, write_export
from tests.support.migration.operator import Operator

SUFFIX = ("--on-name-collision", "suffix")
AS_TOLD = ("--allow-rejects", *SUFFIX)
MOST_ROWS_LOST = 500
MOST_MEMORY_MB = 300
ARRIVES_SECONDS = 1  # what a process had sent before it died goes on arriving, one batch after the other
OF_THE_MIGRATION = ("PROGRESS", "STATE")  # the first is there while a copy is under way, and newer then
# The command, and at its end the most memory it ever had and the CPU seconds it took.
MEASURED = """
import time
from lambda_src.migration.cli import app
from tests.support.peak_memory import peak_bytes
try:
    app()
finally:
    print(f"used {peak_bytes() / 2**20:.0f} {time.process_time():.1f}")
"""


@pytest.fixture
def operator_of(tmp_path):
    """`operator_of(endpoint_url, name)`: of nbhd.city, into this table."""
    return lambda endpoint_url, name: Operator("nbhd_city", "", endpoint_url, {"main": name}, tmp_path / name)


@pytest.fixture
def started():
    """`started(operator, "copy", ...)`: a process that does it."""
    processes = []

    def start(operator, *arguments):
        command = [sys.executable, "-c", MEASURED, *operator.command(*arguments)]
        environment = os.environ | operator.variables()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        processes.append(process)
        return process

    yield start
    for process in processes:
        end(process)


def end(process):
    """Kill it, if it still runs."""
    process.kill()
    process.stdout.close()
    process.wait()


def ended(process, timeout_seconds=60):
    """What a process had used in the end, in MB and CPU seconds."""
    said, _ = process.communicate(timeout=timeout_seconds)
    assert process.returncode == 0, said
    memory_mb, cpu_seconds = said.decode().rpartition("used ")[2].split()
    return int(memory_mb), float(cpu_seconds)


def killed(process, client, name, *, after_memberships=1):
    """Kill an import once so many memberships are acknowledged; how many rows it had acknowledged, and written."""
    deadline = time.monotonic() + 1_200
    while True:
        assert process.poll() is None, "the import was faster than this test"
        assert time.monotonic() < deadline
        if acknowledged(client, name).get("memberships", 0) >= after_memberships:
            break
        time.sleep(0.01)
    end(process)
    arrived = None
    while arrived != (arrived := (acknowledged(client, name), count_rows(client, name))):
        time.sleep(ARRIVES_SECONDS)
    assert of_the_migration(client, name, "STATE")["status"] == {"S": "copying"}
    return sum(acknowledged(client, name).values()), count_rows(client, name)


def of_the_migration(client, name, item):
    key = {"PK": {"S": "MIGRATION"}, "SK": {"S": item}}
    return client.get_item(TableName=name, Key=key, ConsistentRead=True).get("Item", {})


def acknowledged(client, name):
    """Rows, by stream, as the batches of a copy say; an item beside its state."""
    rows = of_the_migration(client, name, "PROGRESS").get("rows", {"M": {}})["M"]
    return {stream: int(count["N"]) for stream, count in rows.items()}


def count_rows(client, name):
    """Items that stand for a row: not the sentinel beside each neighborhood, nor what the migration notes.

    By what the engine counts: page by page, DynamoDB Local is not done with 700,000 items after a quarter of an hour.
    """
    items = client.describe_table(TableName=name)["Table"]["ItemCount"]
    noted = [of_the_migration(client, name, item) for item in OF_THE_MIGRATION]
    newest = next(item for item in noted if item)
    return items - int(newest["rows"]["M"]["neighborhoods"]["N"]) - sum(map(bool, noted))


def report(folder):
    return json.loads((folder / "import_report.json").read_bytes())


def test_an_import_that_was_killed_goes_on_and_ends_in_the_same_table(
    started, operator_of, make_tables, dynamodb_client, dynamodb_endpoint, tmp_path
):
    write_export(tmp_path, **many_rows(SAME_NAME_EVERY, 5 * ORPHAN_EVERY))
    undisturbed, name = make_tables([MAIN])["main"], make_tables([MAIN])["main"]
    command = ("copy", f"--in={tmp_path}", *AS_TOLD)
    assert operator_of(dynamodb_endpoint, undisturbed).does(*command).code == 0
    accepted = report(tmp_path)["written"]
    assert accepted == {"neighborhoods": SAME_NAME_EVERY, "memberships": 5 * (ORPHAN_EVERY - 1)}

    operator = operator_of(dynamodb_endpoint, name)
    importing = started(operator, *command)
    kept, written = killed(importing, dynamodb_client, name)
    assert 0 < kept <= written <= kept + MOST_ROWS_LOST
    assert operator.does(*command).code == 0
    found = report(tmp_path)
    # an older batch may arrive last, with an earlier position: then more rows are written once more
    assert max(1, kept - MOST_ROWS_LOST) <= sum(found["already_present"].values()) <= kept
    assert {table: found["written"][table] + found["already_present"][table] for table in accepted} == accepted
    assert items_of(dynamodb_client, name) == items_of(dynamodb_client, undisturbed)
    assert operator.does("verify", f"--in={tmp_path}", *SUFFIX).code == 0


@pytest.mark.soak
def test_a_million_memberships_take_little_memory_and_survive_being_killed(
    started, operator_of, large_engine, tmp_path
):
    few, many = tmp_path / "few", tmp_path / "many"
    write_export(few, **many_rows(1_000, 100_000))
    write_export(many, **many_rows(10_000, 1_000_000))
    client = make_client(region="us-east-1", endpoint_url=large_engine, read_timeout_seconds=120)
    name = "nbhd-city-soak"
    client.create_table(**create_table_input(MAIN, name))
    operator = operator_of(large_engine, name)
    dry_run = ("plan", *AS_TOLD)
    _, cpu_seconds_of_few = ended(started(operator, *dry_run, f"--in={few}"), 600)
    memory_mb, cpu_seconds_of_many = ended(started(operator, *dry_run, f"--in={many}"), 1_200)
    assert memory_mb < MOST_MEMORY_MB
    assert cpu_seconds_of_many < 15 * cpu_seconds_of_few  # ten times the rows

    command = ("copy", f"--in={many}", *AS_TOLD)
    for after_memberships in (1, 300_000, 700_000):
        importing = started(operator, *command)
        kept, written = killed(importing, client, name, after_memberships=after_memberships)
        assert written <= kept + MOST_ROWS_LOST
    memory_mb, _ = ended(started(operator, *command), 3_600)
    assert memory_mb < MOST_MEMORY_MB
    assert count_rows(client, name) == 10_000 + 1_000_000 - 1_000_000 // ORPHAN_EVERY
    memory_mb, _ = ended(started(operator, "verify", f"--in={many}", *SUFFIX), 3_600)
    assert memory_mb < MOST_MEMORY_MB
    assert report(many)["ok"]
    client.close()
