"""Connections that break, servers that lose patience, and tables larger than memory should be."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from cdk_app.local.layout import ROOT
from lambda_src.migration.errors import SourceFailed
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from tests.support.migration.cutting_proxy import CuttingProxy, cutting
from tests.support.migration.reading import Rows, kept, read
from tests.support.migration.sample_source import MAPPING, MARIADB, PEOPLE, POSTGRESQL, people, pets, reading
from tests.support.migration.servers import Database, MariaDB, PostgreSQL

ROWS: Final = {"people": 3_000, "pets": 1_000}
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Scene:
    """A server with a filled database. interrupt: ends the sessions of the reader; hasten: makes them impatient."""

    port: int
    database: Database
    rows: Rows
    interrupt: str
    hasten: str
    calm: str
    series: str
    """A table of the numbers from 1 to {0}, in a column n."""

    def fill(self, *, rows: int, bytes_each: int) -> None:
        """Add rows to `people`."""
        numbers = self.series.format(rows)
        self.database.run(f"INSERT INTO people (id, bio) SELECT n, REPEAT('x', {bytes_each}) FROM {numbers}")  # noqa: S608

    def through(self, proxy: CuttingProxy) -> Address:
        return Address.parse(self.database.url.replace(f":{self.port}/", f":{proxy.port}/"))


_HASTY_MARIADB: Final = ("net_write_timeout", "wait_timeout", "max_statement_time", "idle_readonly_transaction_timeout")
_HASTY_POSTGRESQL: Final = ("idle_in_transaction_session_timeout",)


@pytest.fixture(params=["mariadb", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    server: MariaDB | PostgreSQL = request.getfixturevalue(request.param)
    schema = MARIADB if isinstance(server, MariaDB) else POSTGRESQL
    with server.database(schema) as database:
        database.insert("people", people(ROWS["people"]))
        database.insert("pets", pets(ROWS["pets"]))
        rows = read(database.url, MAPPING, tmp_path)
        if isinstance(server, MariaDB):
            yield Scene(
                server.port,
                database,
                rows,
                interrupt="KILL USER reader",
                hasten="; ".join(f"SET GLOBAL {name} = 1" for name in _HASTY_MARIADB),
                calm="; ".join(f"SET GLOBAL {name} = DEFAULT" for name in _HASTY_MARIADB),
                series="(SELECT seq AS n FROM seq_1_to_{0}) AS numbers",
            )
        else:
            yield Scene(
                server.port,
                database,
                rows,
                interrupt="SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'",
                hasten="; ".join(f"ALTER ROLE reader SET {name} = '1s'" for name in _HASTY_POSTGRESQL),
                calm="ALTER ROLE reader RESET ALL",
                series="generate_series(1, {0}) AS n",
            )


@pytest.mark.parametrize("bytes_before", [20_000, 150_000])
def test_rows_are_read_again_when_the_connection_drops(scene, tmp_path, bytes_before):
    progress: list[int] = []
    pauses: list[float] = []
    with cutting(scene.port, bytes_before, None) as proxy:
        summary = take_snapshot(
            scene.through(proxy), MAPPING, tmp_path / "again", on_rows=progress.append, pause=pauses.append
        )
    assert proxy.connections == 2
    assert pauses == [1.0]
    assert summary.rows == ROWS
    assert sum(progress) == sum(ROWS.values())
    assert kept(tmp_path / "again", MAPPING) == scene.rows


def test_a_connection_that_always_drops_is_given_up_with_its_reason(scene, tmp_path):
    pauses: list[float] = []
    (tmp_path / "snapshot").unlink()
    with cutting(scene.port, 90_000) as proxy, pytest.raises(SourceFailed) as failure:
        take_snapshot(scene.through(proxy), MAPPING, tmp_path / "snapshot", pause=pauses.append)
    assert str(failure.value).startswith("given up after 5 tries: reading from ")
    assert "s3cret" not in str(failure.value)
    assert proxy.connections == 5
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert list(tmp_path.iterdir()) == []


def test_a_cut_at_any_byte_is_a_failure_in_words_or_mended(scene, tmp_path):
    outcomes = set()
    for limit in (*range(0, 400, 80), *range(500, 40_000, 9_001)):
        with cutting(scene.port, limit, None) as proxy:
            try:
                summary = take_snapshot(scene.through(proxy), MAPPING, tmp_path / "s", pause=lambda _: None)
            except SourceFailed as failure:
                assert str(failure).startswith("cannot connect to")  # noqa: PT017 -- either outcome is right
                outcomes.add("failed")
            else:
                assert summary.rows == ROWS
                outcomes.add("mended")
    assert outcomes == {"failed", "mended"}


def test_a_server_that_falls_silent_is_asked_again(scene, tmp_path, monkeypatch):
    for dialect in ("mysql", "postgresql"):
        monkeypatch.setattr(f"lambda_src.migration.source.{dialect}.ANSWER_SECONDS", 1)
    pauses: list[float] = []
    with cutting(scene.port, 60_000, None, falls_silent=True) as proxy:
        take_snapshot(scene.through(proxy), MAPPING, tmp_path / "again", pause=pauses.append)
    assert pauses == [1.0]
    assert kept(tmp_path / "again", MAPPING) == scene.rows


def test_a_session_that_the_administrator_ends_is_begun_again(scene, tmp_path):
    reports: list[int] = []

    def interrupt(rows: int) -> None:
        reports.append(rows)
        if len(reports) == 1:
            scene.database.run(scene.interrupt)

    address = Address.parse(scene.database.url)
    assert take_snapshot(address, MAPPING, tmp_path / "s", on_rows=interrupt, pause=lambda _: None).rows == ROWS
    assert min(reports) < 0
    assert kept(tmp_path / "s", MAPPING) == scene.rows


def test_a_server_without_patience_waits_for_a_slow_reader(scene, tmp_path):
    scene.fill(rows=20_000, bytes_each=1_000)  # more than the buffers between server and client hold
    slept: list[int] = []

    def dawdle(_: int) -> None:
        if not slept:
            slept.append(1)
            time.sleep(2)

    scene.database.run(scene.hasten)
    try:
        summary = take_snapshot(
            Address.parse(scene.database.url), MAPPING, tmp_path / "s", on_rows=dawdle, pause=_no_second_try
        )
    finally:
        scene.database.run(scene.calm)
    assert summary.rows["people"] == ROWS["people"] + 20_000


def _no_second_try(_: float) -> None:
    raise AssertionError("the connection was lost")


_MEASURED: Final = """
import sys
from pathlib import Path
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from tests.support.migration.sample_source import PEOPLE, PETS, reading
from tests.support.peak_memory import peak_bytes

address, path = Address.parse(sys.stdin.read()), Path(sys.argv[1])
take_snapshot(address, reading(PETS), path)
before = peak_bytes()
take_snapshot(address, reading(PEOPLE, fields=("id",)), path)
print(peak_bytes() - before)
"""


def memory_growth(url: str, path: Path) -> int:
    """Bytes by which a process grows at most while it reads `people`."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(path)], input=url, cwd=ROOT, text=True, capture_output=True, check=True,
        timeout=120,
    )  # fmt: skip
    return int(done.stdout)


def test_memory_does_not_grow_with_the_rows(scene, tmp_path):
    scene.fill(rows=30_000, bytes_each=2_000)
    assert memory_growth(scene.database.url, tmp_path / "s") < 95 * MEGABYTE  # of which SQLite's cache takes 67


def test_a_fault_of_the_mapping_comes_out_as_it_is_and_leaves_no_file(scene, tmp_path):
    scene.fill(rows=2_000, bytes_each=1_000)

    def broken(_row: object, _warn: object) -> None:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        take_snapshot(Address.parse(scene.database.url), reading(PEOPLE, prepare=broken), tmp_path / "s")
    assert not (tmp_path / "s").exists()
