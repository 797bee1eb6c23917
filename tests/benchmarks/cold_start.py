"""CPU time of a cold start in the real bundle, beside a bare boto3 function and a plain build of the same code.

    python -m tests.benchmarks.cold_start [--starts 15]

Every start is a fresh process under AWS's own runtime client; the order of the variants is shuffled, so that whatever
else the machine does hits all of them. Writes `docs/benchmarks/cold-start.md`. Needs `make setup`, and Linux.
"""

import argparse
import random
import shutil
import statistics
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import trustme

from cdk_app.constructs import bundling, wheelhouse
from cdk_app.constructs.trimming import AMAZON_ROOTS_FILE
from cdk_app.constructs.wheelhouse import HOST
from cdk_app.local.dynamodb_local import DynamoDBLocal
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.store import Store
from lambda_src.runtime.settings import environment_of
from lambda_src.services.stock_track_record.models import Channel, ChannelId
from lambda_src.services.stock_track_record.repository.channels import channel_item
from lambda_src.services.stock_track_record.settings import ApiSettings
from lambda_src.services.stock_track_record.tables import MAIN, TABLES
from tests.benchmarks import reports
from tests.benchmarks.import_times import shares_by_package
from tests.benchmarks.runtime_api import Start, measure_start
from tests.benchmarks.tls_front import tls_front
from tests.support.ports import free_port

PACKAGE: Final = "stock_track_record"
API_MODULE: Final = f"lambda_src.services.{PACKAGE}.handlers.api"
API_HANDLER: Final = f"{API_MODULE}.handler"
ALL_ROOTS: Final = "certifi/cacert.pem"
RUNTIME_PACKAGES: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")
CHANNEL: Final = ChannelId("0b2f6f0c-6d0f-4a51-9c0e-2f3c1f0a7d11")
EVENT: Final[Mapping[str, Any]] = {
    "version": "2.0",
    "routeKey": "GET /api/channels/{channel_id}",
    "rawPath": f"/api/channels/{CHANNEL}",
    "rawQueryString": "",
    "headers": {"host": "api.test", "accept": "application/json", "accept-encoding": "gzip"},
    "requestContext": {
        "http": {"method": "GET", "path": f"/api/channels/{CHANNEL}", "sourceIp": "203.0.113.7"},
        "requestId": "JKJaXmPLvHcESHA=",
        "stage": "$default",
    },
    "isBase64Encoded": False,
}
MAX_RATIO: Final = 1.8
MAX_FIRST_REQUEST: Final = 0.05  # of the initialisation
MAX_ZIP_MEGABYTES: Final = 11.0
SHOWN_PACKAGES: Final = 9


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to build a function. roots: its root certificates, a file in its folder. zip_megabytes: of 10^6 bytes."""

    name: str
    folder: Path
    handler: str
    zip_megabytes: float
    roots: str = ALL_ROOTS

    @property
    def variables(self) -> dict[str, str]:
        return {} if self.roots == ALL_ROOTS else {"AWS_CA_BUNDLE": str(self.folder / self.roots)}

    def trust(self, authority: trustme.CA) -> None:
        """Add one root certificate to those the function loads anyway."""
        with (self.folder / self.roots).open("ab") as roots:
            roots.write(b"\n" + authority.cert_pem.bytes())


@dataclass(frozen=True, slots=True)
class Result:
    """Medians of one variant."""

    variant: Variant
    starts: list[Start]

    @property
    def init_ms(self) -> float:
        return statistics.median(start.init_ms for start in self.starts)

    @property
    def first_request_ms(self) -> float:
        return statistics.median(start.first_request_ms for start in self.starts)

    @property
    def total_ms(self) -> float:
        return statistics.median(start.total_ms for start in self.starts)

    @property
    def quartiles_ms(self) -> tuple[float, float]:
        low, _, high = statistics.quantiles((start.total_ms for start in self.starts), n=4)
        return low, high

    @property
    def peak_megabytes(self) -> float:
        return statistics.median(start.peak_megabytes for start in self.starts)


# ---- what is measured ----------------------------------------------------------------------------------------------


def real_bundle(scratch: Path) -> Variant:
    """The zip that is deployed, unpacked."""
    archive = bundling.bundle_service(PACKAGE, HOST).path
    folder = scratch / "bundle"
    with zipfile.ZipFile(archive) as bundle:
        bundle.extractall(folder)
    return Variant("the bundle as deployed", folder, API_HANDLER, archive.stat().st_size / 1e6, AMAZON_ROOTS_FILE)


def bare_boto3(scratch: Path, *, trimmed: bool) -> Variant:
    """A boto3 client and nothing else, compiled: over the locked wheels, or trimmed the way our bundle is."""
    name = "boto3 client only, trimmed" if trimmed else "boto3 client only"
    folder = scratch / name
    shutil.copytree(bundling._dependencies(HOST) if trimmed else wheelhouse.unpacked(HOST), folder)
    shutil.copy(Path(__file__).with_name("boto3_only.py"), folder)
    bundling.compile_folder(folder)
    roots = AMAZON_ROOTS_FILE if trimmed else ALL_ROOTS
    return Variant(name, folder, "boto3_only.handler", _zip_megabytes(folder), roots)


def plain_build(scratch: Path) -> Variant:
    """The same function the way `pip install --target` and `zip` build it: nothing trimmed, nothing compiled."""
    folder = scratch / "plain"
    shutil.copytree(wheelhouse.unpacked(HOST), folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, path in bundling._sources(PACKAGE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    return Variant("plain build of the same code", folder, API_HANDLER, _zip_megabytes(folder))


def runtime_folder(scratch: Path) -> Path:
    """AWS's runtime client in a folder of its own, compiled, as the Lambda image holds it."""
    folder = scratch / "runtime"
    for package in RUNTIME_PACKAGES:
        for file in files(package) or ():
            if file.suffix in {".py", ".so"} and ".." not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    bundling.compile_folder(folder)
    return folder


def _zip_megabytes(folder: Path) -> float:
    with TemporaryDirectory() as scratch:
        archive = Path(scratch) / "build.zip"
        bundling.write_zip(archive, [folder])
        return archive.stat().st_size / 1e6


@contextmanager
def function_environment(authority: trustme.CA) -> Iterator[dict[str, str]]:
    """DynamoDB Local with the service's tables and one channel, and the variables that lead a function to it by TLS."""
    engine = DynamoDBLocal(free_port())
    try:
        engine.start()
        engine.wait_until_ready()
        names = {table.name: table.seed_name for table in TABLES}
        client = make_client(region="us-east-1", endpoint_url=engine.endpoint_url, read_timeout_seconds=30)
        for table in TABLES:
            client.create_table(**create_table_input(table, names[table.name]))
        item = channel_item(_channel())
        Store(client, names).put(MAIN, item)
        with tls_front(engine.port, authority) as endpoint_url:
            yield {**_variables(endpoint_url, names), "BENCHMARK_KEY": str(item["PK"])}
    finally:
        engine.stop()


def _variables(endpoint_url: str, names: Mapping[str, str]) -> dict[str, str]:
    settings = ApiSettings(
        environment="local",
        dynamodb_endpoint=endpoint_url,
        dynamodb_table_name=names["main"],
        dynamodb_stocks_table_name=names["stocks"],
        sqs_queue_url="http://127.0.0.1:1/processing",
        price_queue_url="http://127.0.0.1:1/prices",
        api_keys_secret_id="keys",
        cursor_secret_id="cursor",
    )
    return {
        **environment_of(settings),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }


def _channel() -> Channel:
    return Channel(
        id=CHANNEL,
        youtube_channel_id="UCaaaaaaaaaaaaaaaaaaaaaa",
        name="Sample Stocks",
        url="https://www.youtube.com/@SampleStocks",
        status="completed",
        time_range_months=12,
        created_at="2025-01-15T08:30:00.123Z",
        updated_at="2025-01-15T09:30:00.123Z",
        layout=2,
    )


def measure(variants: list[Variant], *, starts: int, runtime: Path, environment: Mapping[str, str]) -> list[Result]:
    """Start every variant that often, in one shuffled order, after one start each that is not counted."""
    order = [variant for variant in variants for _ in range(starts)]
    random.Random(2025).shuffle(order)
    measured: dict[str, list[Start]] = {variant.name: [] for variant in variants}
    for number, variant in enumerate([*variants, *order]):
        start = measure_start(
            folder=variant.folder,
            handler=variant.handler,
            runtime=runtime,
            event=EVENT,
            environment={**environment, **variant.variables},
        )
        if number >= len(variants):  # the first ones read the files from disk
            measured[variant.name].append(start)
    return [Result(variant, measured[variant.name]) for variant in variants]


# ---- what is written down ------------------------------------------------------------------------------------------


def result_table(results: list[Result], floor: Result) -> str:
    head = ("Variant", "init ms", "first request ms", "sum ms", "quartiles", "x boto3", "peak MiB", "zip MB")
    rows = (
        (
            result.variant.name,
            f"{result.init_ms:.0f}",
            f"{result.first_request_ms:.1f}",
            f"{result.total_ms:.0f}",
            "{:.0f}-{:.0f}".format(*result.quartiles_ms),
            f"{result.total_ms / floor.total_ms:.2f}",
            f"{result.peak_megabytes:.0f}",
            f"{result.variant.zip_megabytes:.1f}",
        )
        for result in results
    )
    return reports.table(head, rows)


def target_table(real: Result, floor: Result) -> str:
    figures = (
        ("sum, times that of the boto3 client", real.total_ms / floor.total_ms, MAX_RATIO, ".2f"),
        ("first request, share of init", real.first_request_ms / real.init_ms, MAX_FIRST_REQUEST, ".3f"),
        ("zip, MB", real.variant.zip_megabytes, MAX_ZIP_MEGABYTES, ".1f"),
    )
    rows = (
        (name, f"{value:{form}}", f"{limit:{form}}", "yes" if value <= limit else "NO")
        for name, value, limit, form in figures
    )
    return reports.table(("Target", "measured", "at most", "met"), rows)


def share_table(shares: list[tuple[str, float]]) -> str:
    largest = shares[:SHOWN_PACKAGES]
    others = 1 - sum(share for _, share in largest)
    return reports.table(
        ("Package", "share"), ((name, f"{share:.0%}") for name, share in [*largest, ("others", others)])
    )


def report(results: list[Result], floor: Result, *, shares: list[tuple[str, float]], starts: int) -> str:
    packages = ("awslambdaric", "boto3", "fastapi", "pydantic", "mangum")
    return f"""# Cold start

CPU time (user and system, all threads) of fresh processes that run AWS's `awslambdaric`: *init* until the process asks
for its first event, *first request* until it posts the answer to `GET /api/channels/{{channel_id}}`, one GetItem.
Medians of {starts} starts per variant, in shuffled order. Made by `make bench-cold-start`.

{result_table(results, floor)}

{target_table(results[0], floor)}

{reports.circumstances(packages)}

## Where it goes

Own import time of each package in the deployed bundle, as `python -X importtime` states it. The share of `lambda_src`
includes what the handler does while it is imported: it makes the client and the routes and serves its first GET.
Beyond what the boto3 client needs, a start imports FastAPI and pydantic with the parts of the standard library they
use, then the service's own modules.

{share_table(shares)}

## How to read it

- Compare ratios: milliseconds depend on the machine and on what else it does.
- The bundle is built for the machine that measures, by the code that builds the one for Lambda.
- *boto3 client only* makes a client at import and reads one item in its first request, over the locked wheels as they
  are, byte-compiled, with certifi's root certificates. It is the practical floor of a function that uses boto3, and
  what the ratio is of. *trimmed* is the same over our bundle's dependencies with Amazon's roots only: what is left of
  it is the price of FastAPI, pydantic and the service itself.
- *plain build* is the same code and lock the way `pip install --target` and `zip` leave it. Without byte code each
  start compiles every module, since Lambda's code folder cannot be written to.
- The database is DynamoDB Local behind TLS, as a function on Lambda meets DynamoDB, so every variant also loads root
  certificates and shakes hands: the deployed function has the five of Amazon, the others all of certifi's, unless
  trimmed; each file holds one more, of the authority that signed the benchmark's own certificate.
- The deployed function serves a GET of its own while it starts, so its first request finds everything built and
  connected; that is why its init holds work that the floor has in its first request.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--starts", type=int, default=15, help="fresh processes per variant (15)")
    starts: int = parser.parse_args().starts
    authority = trustme.CA()
    with TemporaryDirectory(prefix="cold-start-") as folder, function_environment(authority) as environment:
        scratch = Path(folder)
        variants = [
            real_bundle(scratch),
            bare_boto3(scratch, trimmed=False),
            bare_boto3(scratch, trimmed=True),
            plain_build(scratch),
        ]
        for variant in variants:
            variant.trust(authority)
        results = measure(variants, starts=starts, runtime=runtime_folder(scratch), environment=environment)
        deployed = {**environment, **variants[0].variables}
        shares = shares_by_package(folder=variants[0].folder, module=API_MODULE, environment=deployed)
    floor = results[1]
    path = reports.publish("cold-start", report(results, floor, shares=shares, starts=starts))
    sys.stdout.write(f"{result_table(results, floor)}\n\n{target_table(results[0], floor)}\n\n{path.name} written\n")


if __name__ == "__main__":
    main()
