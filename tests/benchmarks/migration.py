"""How fast a SQL database moves, beside DynamoDB alone, and in how much memory.

A real MariaDB and a real PostgreSQL on one side, DynamoDB Local on the other, all on this machine.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cdk_app.local.dynamodb_local import DynamoDBLocal
from lambda_src.dynamo.boto3_client import make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import Table
from tests.benchmarks import reports
from tests.benchmarks.migration_memory import Step
from tests.benchmarks.migration_speed import Speed, speed
from tests.support.migration.scenes import NBHD_CITY, SERVICES, Moving, Service
from tests.support.migration.servers import MariaDB, PostgreSQL, schema
from tests.support.ports import free_port

MIN_RATIO: Final = 0.8
MAX_MEGABYTES: Final = 300
CHILD_SECONDS: Final = 3_600
TITLES: Final = {"nbhd_city": "nbhd.city, PostgreSQL", "stock_track_record": "Stock Track Record, MariaDB"}


@contextmanager
def moving(service: Service, folder: Path) -> Iterator[Moving]:
    """A service with a server of its own kind and an engine, both empty."""
    server = PostgreSQL if service is NBHD_CITY else MariaDB
    engine = DynamoDBLocal(free_port())
    try:
        engine.start()
        engine.wait_until_ready()
        client = make_client(region="us-east-1", endpoint_url=engine.endpoint_url, read_timeout_seconds=30)

        def make_tables(tables: Sequence[Table]) -> Mapping[str, str]:
            names = {table.name: f"{table.base_name}-{free_port()}" for table in tables}
            for table in tables:
                client.create_table(**create_table_input(table, names[table.name]))
            return names

        with server.running() as running, running.database(schema(service.name)) as database:
            yield Moving(service, database, engine.endpoint_url, make_tables, folder)
    finally:
        engine.stop()


def measure_speed(service: Service, *, rows: int, rounds: int) -> Speed:
    with TemporaryDirectory(prefix="migration-") as folder, moving(service, Path(folder)) as scene:
        service.fill(scene.database, rows)
        return speed(scene, rounds=rounds)


def measure_memory(service: Service, rows: int) -> list[Step]:
    """Of a fresh process."""
    command = (sys.executable, "-m", "tests.benchmarks.migration_memory", service.name, str(rows))
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=CHILD_SECONDS)
    return [Step(**json.loads(line)) for line in done.stdout.splitlines()]


# ---- what is written down ------------------------------------------------------------------------------------------


def speed_table(speeds: Mapping[str, Speed]) -> str:
    rows = [
        (name, *(f"{found.median(of):,.0f}" for of in (
            lambda each: each.copy, lambda each: each.writing, lambda each: each.alone, lambda each: each.one_by_one,
        )))
        for name, found in speeds.items()
    ]  # fmt: skip
    head = ("Items per second", "copy, all of it", "its writing", "batches alone", "one by one")
    return reports.table(head, rows)


def target_table(speeds: Mapping[str, Speed], memory: Mapping[str, Sequence[Step]]) -> str:
    ratios = [
        (
            f"{name}: copy, times batches alone",
            f"{found.median(lambda each: each.copy / each.alone):.2f}",
            f"at least {MIN_RATIO}",
            found.median(lambda each: each.copy / each.alone) >= MIN_RATIO,
        )
        for name, found in speeds.items()
    ]
    peaks = [
        (
            f"{name}: peak MB",
            f"{steps[-1].megabytes:.0f}",
            f"below {MAX_MEGABYTES}",
            steps[-1].megabytes < MAX_MEGABYTES,
        )
        for name, steps in memory.items()
    ]
    rows = [(*line, "yes" if is_met else "NO") for *line, is_met in (*ratios, *peaks)]
    return reports.table(("Target", "measured", "bound", "met"), rows)


def time_table(speeds: Mapping[str, Speed]) -> str:
    titles = list(dict.fromkeys(title for found in speeds.values() for title in found.seconds))
    rows = [(title, *(f"{found.seconds[title]:.1f}" for found in speeds.values())) for title in titles]
    return reports.table(("Seconds", *speeds), rows)


def memory_table(memory: Mapping[str, Sequence[Step]]) -> str:
    rows = [
        (f"{name}: {step.name}", f"{step.things:,}", f"{step.seconds:.0f}", f"{step.megabytes:.0f}")
        for name, steps in memory.items()
        for step in steps
    ]
    return reports.table(("Step", "rows or items", "seconds", "peak MB so far"), rows)


def report(speeds: Mapping[str, Speed], memory: Mapping[str, Sequence[Step]]) -> str:
    sizes = "; ".join(f"{name}: {found.rows:,} rows become {found.items:,} items" for name, found in speeds.items())
    rounds = min(len(found.rounds) for found in speeds.values())
    return f"""# Moving a SQL database

A whole migration from a real SQL server into DynamoDB Local, both on this machine, awkward rows included. {sizes}.
Medians of {rounds} rounds, each of which runs everything it compares one after the other. Made by
`make bench-migration`. It never ran against AWS.

{speed_table(speeds)}

{target_table(speeds, memory)}

{reports.circumstances(("boto3", "sqlalchemy", "psycopg", "pymysql"))}

## How long each step takes

Of the last round. *copy* is the whole command; the steps it consists of come before it.

{time_table(speeds)}

## Memory

A process of its own makes rows one by one and moves them to nowhere: they are prepared and kept, settled, derived,
and sent by as many threads through botocore, whose requests are answered before they leave. The peak is of the whole
process, with 100 MB for Python and its libraries.

{memory_table(memory)}

## How to read it

- *copy, all of it* begins with the first question to the source and ends with the last checkpoint; *its writing* is the
  part after every row was read and decided about.
- *batches alone* is BatchWriteItem of the same items, made ready beforehand, by the same number of threads: what the
  engine and boto3 take. It does not ask what a batch consumed, which costs this engine a third; a copy without a bound
  asks with every tenth batch.
- *one by one* is one PutItem after the other, the way of a plain script, with every n-th of the same items.
- Compare ratios: the engine, the SQL server and the migration share two cores here, so that what the migration thinks
  the engine cannot use. On AWS the engine is elsewhere, and the write units of the table are the limit.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="of each source (100000)")
    parser.add_argument("--rounds", type=int, default=2, help="of each comparison (2)")
    parser.add_argument("--memory-rows", type=int, default=1_000_000, help="that are moved to nowhere (1000000)")
    chosen = parser.parse_args()
    speeds = {
        TITLES[service.name]: measure_speed(service, rows=chosen.rows, rounds=chosen.rounds) for service in SERVICES
    }
    memory = {TITLES[service.name]: measure_memory(service, chosen.memory_rows) for service in SERVICES}
    path = reports.publish("migration", report(speeds, memory))
    sys.stdout.write(f"{speed_table(speeds)}\n\n{target_table(speeds, memory)}\n\n{path.name} written\n")


if __name__ == "__main__":
    main()
