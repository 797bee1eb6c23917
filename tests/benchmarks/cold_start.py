"""CPU time of a cold start in the real bundle, beside a bare boto3 function and a plain build of the same code.

    python -m tests.benchmarks.cold_start [--starts 15]

Every start is a fresh process under AWS's own runtime client; the order of the variants is shuffled, so that whatever
else the machine does hits all of them. Writes `docs/benchmarks/cold-start.md`. Needs `make setup`, and Linux.
"""

import argparse
import json
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
from typing import TYPE_CHECKING, Final

import trustme

from cdk_app.constructs import bundling, wheelhouse
from cdk_app.constructs.trimming import AMAZON_ROOTS_FILE
from cdk_app.constructs.wheelhouse import HOST
from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.services.registry import SERVICES
from lambda_src.dynamo.boto3_client import make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.values import to_item
from lambda_src.runtime.settings import environment_of
from tests.benchmarks import reports
from tests.benchmarks.cold_functions import FUNCTIONS, ColdFunction
from tests.benchmarks.import_times import shares_by_package
from tests.benchmarks.runtime_api import Start, measure_start
from tests.benchmarks.tls_front import tls_front
from tests.support.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ALL_ROOTS: Final = "certifi/cacert.pem"
RUNTIME_PACKAGES: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")
MAX_RATIO: Final = 1.8
MAX_FIRST_REQUEST: Final = 0.05  # of the initialisation
SHOWN_PACKAGES: Final = 9


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to build a function. roots: its root certificates, a file in its folder. zip_megabytes: of 10^6 bytes."""

    name: str
    function: ColdFunction
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


@dataclass(frozen=True, slots=True)
class Measured:
    """All variants; those that are deployed; the floor."""

    results: list[Result]
    deployed: list[Result]
    floor: Result


# ---- what is measured ----------------------------------------------------------------------------------------------


def real_bundle(scratch: Path, function: ColdFunction) -> Variant:
    """The zip that is deployed, unpacked."""
    [contents] = [service.bundle for service in SERVICES if service.package == function.package]
    archive = bundling.bundle_service(contents, HOST).path
    folder = scratch / f"{function.package}-bundle"
    with zipfile.ZipFile(archive) as bundle:
        bundle.extractall(folder)
    megabytes = archive.stat().st_size / 1e6
    name = f"{function.title} as deployed"
    return Variant(name, function, folder, f"{function.module}.handler", megabytes, AMAZON_ROOTS_FILE)


def bare_boto3(scratch: Path, function: ColdFunction, *, trimmed: bool) -> Variant:
    """A boto3 client and nothing else, compiled: over the locked wheels, or trimmed the way our bundle is."""
    name = "boto3 client only, trimmed" if trimmed else "boto3 client only"
    folder = scratch / name
    shutil.copytree(bundling.trimmed(HOST) if trimmed else wheelhouse.unpacked(HOST), folder)
    shutil.copy(Path(__file__).with_name("boto3_only.py"), folder)
    bundling.compile_folder(folder)
    roots = AMAZON_ROOTS_FILE if trimmed else ALL_ROOTS
    return Variant(name, function, folder, "boto3_only.handler", _zip_megabytes(folder), roots)


def plain_build(scratch: Path, function: ColdFunction) -> Variant:
    """The same function the way `pip install --target` and `zip` build it: nothing trimmed, nothing compiled."""
    folder = scratch / f"{function.package}-plain"
    for lock in wheelhouse.locks_of(function.package):
        wheels = wheelhouse.unpacked(HOST, lock)
        shutil.copytree(wheels, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    for name, path in bundling._sources(function.package):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    name = f"{function.title}, plain build"
    return Variant(name, function, folder, f"{function.module}.handler", _zip_megabytes(folder))


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
def environments(authority: trustme.CA) -> Iterator[dict[str, dict[str, str]]]:
    """DynamoDB Local with every function's tables and item; by package, the variables that lead there by TLS."""
    engine = DynamoDBLocal(free_port())
    try:
        engine.start()
        engine.wait_until_ready()
        client = make_client(region="us-east-1", endpoint_url=engine.endpoint_url, read_timeout_seconds=30)
        with tls_front(engine.port, authority) as endpoint_url:
            yield {function.package: _environment(client, function, endpoint_url) for function in FUNCTIONS}
    finally:
        engine.stop()


def _environment(client: "DynamoDBClient", function: ColdFunction, endpoint_url: str) -> dict[str, str]:
    names = {table.name: table.base_name for table in function.tables}
    for table in function.tables:
        client.create_table(**create_table_input(table, names[table.name]))
    client.put_item(TableName=names[function.table.name], Item=to_item(function.item))
    key = {name: str(function.item[name]) for name in function.table.key_names}
    return {
        **environment_of(function.settings(endpoint_url, names)),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "BENCHMARK_KEY": json.dumps({name: {"S": value} for name, value in key.items()}),
    }


def measure(
    variants: list[Variant], *, starts: int, runtime: Path, environments: Mapping[str, Mapping[str, str]]
) -> list[Result]:
    """Start every variant that often, in one shuffled order, after one start each that is not counted."""
    order = [variant for variant in variants for _ in range(starts)]
    random.Random(2025).shuffle(order)
    measured: dict[str, list[Start]] = {variant.name: [] for variant in variants}
    for number, variant in enumerate([*variants, *order]):
        start = measure_start(
            folder=variant.folder,
            handler=variant.handler,
            runtime=runtime,
            event=variant.function.event,
            environment={**environments[variant.function.package], **variant.variables},
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


def target_table(deployed: list[Result], floor: Result) -> str:
    rows = [
        (f"{result.variant.function.title}: {name}", f"{value:{form}}", f"{limit:{form}}", met(value, limit))
        for result in deployed
        for name, value, limit, form in (
            ("sum, times that of the boto3 client", result.total_ms / floor.total_ms, MAX_RATIO, ".2f"),
            ("first request, share of init", result.first_request_ms / result.init_ms, MAX_FIRST_REQUEST, ".3f"),
            ("zip, MB", result.variant.zip_megabytes, result.variant.function.max_zip_megabytes, ".1f"),
        )
    ]
    return reports.table(("Target", "measured", "at most", "met"), rows)


def met(value: float, limit: float) -> str:
    return "yes" if value <= limit else "NO"


def share_table(shares: list[tuple[str, float]]) -> str:
    largest = shares[:SHOWN_PACKAGES]
    others = 1 - sum(share for _, share in largest)
    return reports.table(
        ("Package", "share"), ((name, f"{share:.0%}") for name, share in [*largest, ("others", others)])
    )


def report(measured: Measured, *, shares: Mapping[str, list[tuple[str, float]]], starts: int) -> str:
    packages = ("awslambdaric", "boto3", "fastapi", "pydantic", "mangum")
    return f"""# Cold start

CPU time (user and system, all threads) of fresh processes that run AWS's `awslambdaric`: *init* until the process asks
for its first event, *first request* until it posts the answer to a GET that reads one item. Medians of {starts}
starts per variant, in shuffled order. Made by `make bench-cold-start`.

{result_table(measured.results, measured.floor)}

{target_table(measured.deployed, measured.floor)}

{reports.circumstances(packages)}

## Where it goes

Own import time of each package in the deployed bundle, as `python -X importtime` states it. The share of `lambda_src`
includes what the handler does while it is imported: it makes the client and the routes and serves its first GET.
Beyond what the boto3 client needs, a start imports FastAPI and pydantic with the parts of the standard library they
use, then the service's own modules.

{"\n\n".join(f"{title}:\n\n{share_table(its)}" for title, its in shares.items())}

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
    with TemporaryDirectory(prefix="cold-start-") as folder, environments(authority) as variables:
        measured = run(Path(folder), authority, variables, starts=starts)
        shares = {
            result.variant.function.title: shares_by_package(
                folder=result.variant.folder,
                module=result.variant.function.module,
                environment={**variables[result.variant.function.package], **result.variant.variables},
            )
            for result in measured.deployed
        }
    path = reports.publish("cold-start", report(measured, shares=shares, starts=starts))
    tables = f"{result_table(measured.results, measured.floor)}\n\n{target_table(measured.deployed, measured.floor)}"
    sys.stdout.write(f"{tables}\n\n{path.name} written\n")


def run(scratch: Path, authority: trustme.CA, variables: Mapping[str, Mapping[str, str]], *, starts: int) -> Measured:
    """Build every variant and measure all of them."""
    first = FUNCTIONS[0]  # the floor reads its item
    deployed = [real_bundle(scratch, function) for function in FUNCTIONS]
    floor = bare_boto3(scratch, first, trimmed=False)
    trimmed = bare_boto3(scratch, first, trimmed=True)
    plain = [plain_build(scratch, function) for function in FUNCTIONS]
    variants = [*deployed, floor, trimmed, *plain]
    for variant in variants:
        variant.trust(authority)
    results = measure(variants, starts=starts, runtime=runtime_folder(scratch), environments=variables)
    return Measured(results, results[: len(deployed)], results[len(deployed)])


if __name__ == "__main__":
    main()
