"""What the old schema of Stock Track Record does not take stays behind by name, and the rest loads into a MariaDB."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pymysql  # type: ignore[import-untyped]
import pytest

from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.values import to_item
from lambda_src.migration.collation import folded
from lambda_src.migration.drafts import Draft
from lambda_src.migration.limits import refusal
from lambda_src.migration.mapping import Row, SourceTable
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.phases.reverse_export import LEFT
from lambda_src.migration.phases.statements import STATEMENTS
from lambda_src.services.stock_track_record.tables import (
    CHANNEL,
    PROCESSING_LOG,
    STOCK,
    STOCK_MENTION,
    TABLES,
    VIDEO,
)
from tests.support.engines import installed
from tests.support.migration.operator import Operator
from tests.support.migration.servers import Database, schema
from tests.support.migration.stock_track_record_rows import (
    channel_row,
    id_of,
    log_row,
    mention_row,
    stock_row,
    video_row,
)

UNSIGNED_INT = 2**32 - 1
KNOWN: Mapping[str, Any] = {"run_id": "run", "listed": True, "claims": frozenset(), "layout": 2}
AWKWARD = "it's \\ 表' \0 é 📈 \\"
COLLATIONS = (
    "utf8mb4", "utf8mb4 COLLATE utf8mb4_unicode_ci", "utf8mb4 COLLATE utf8mb4_unicode_520_ci",
    "utf8mb4 COLLATE utf8mb4_uca1400_ai_ci",
)  # fmt: skip


def loaded(path, database: Database, port: int, client_encoding: str = "utf8mb4") -> None:
    """As the report says, but for the character set that the client has by default."""
    command = [
        installed("mysql", "apt-get install mariadb-client-core"), "--no-defaults", "--host=127.0.0.1",
        f"--port={port}", "--user=admin", f"--default-character-set={client_encoding}", urlsplit(database.url).path[1:],
    ]  # fmt: skip
    with path.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def rows_of(database: Database, port: int, query: str) -> list[tuple[Any, ...]]:
    name = urlsplit(database.url).path[1:]
    with (
        pymysql.connect(host="127.0.0.1", port=port, user="admin", database=name, charset="utf8mb4") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(query)
        return list(cursor.fetchall())


@pytest.fixture
def operator(stock_track_record_database, dynamodb_endpoint, make_tables, tmp_path):
    """Of a source that is wider than the old schema, and has been opened since."""
    stock_track_record_database.run("ALTER TABLE processing_logs MODIFY id INT UNSIGNED")
    stock_track_record_database.run("ALTER TABLE channels MODIFY video_count INT UNSIGNED")
    stock_track_record_database.insert("channels", [channel_row(1, name=AWKWARD), channel_row(2, video_count=2**31)])
    stock_track_record_database.insert("stocks", [stock_row("AAPL")])
    stock_track_record_database.insert("videos", [video_row(1), video_row(2, 2)])
    stock_track_record_database.insert("stock_mentions", [mention_row(1), mention_row(2, 2)])
    stock_track_record_database.insert("processing_logs", [log_row(2**31 - 1), log_row(2**31), log_row(UNSIGNED_INT)])
    url, tables = stock_track_record_database.url, make_tables(TABLES)
    operator = Operator("stock_track_record", url, dynamodb_endpoint, tables, tmp_path / "kept")
    for phase in ("copy", "verify", "cutover --open"):
        done = operator.does(*phase.split())
        assert done.code == 0, done.said
    return operator


def written_since() -> list[tuple[Entity[Any], Row]]:
    """What people and a hand in the console wrote: of each two the older goes."""

    def channel(number: int, **changes: Any) -> tuple[Entity[Any], Row]:
        return (CHANNEL, {**channel_row(number), **KNOWN, **changes})

    def video(number: int, **changes: Any) -> tuple[Entity[Any], Row]:
        return (VIDEO, {**video_row(number), "run_id": "run", **changes})

    def mention(number: int, ticker: str, **changes: Any) -> tuple[Entity[Any], Row]:
        known = {"channel_id": id_of("c", 1), "published_at": "2024-01-10", "price_at_mention": 1}
        return (STOCK_MENTION, {**mention_row(number, 1, ticker), **known, "confidence_score": 1, **changes})

    younger = {"created_at": "2025-01-15T08:30:00.000Z"}
    return [
        channel(10, youtube_channel_id="handle:cafeshop"),
        channel(11, youtube_channel_id="handle:caféshop", **younger),
        channel(12, youtube_channel_id="handle:ひらがな"),
        channel(13, youtube_channel_id="handle:ヒラガナ", **younger),
        channel(14, youtube_channel_id="custom:søren"),
        channel(15, youtube_channel_id="custom:soren", **younger),
        channel(16, youtube_channel_id="custom:" + "x" * 44),
        channel(17, processed_video_count=2**31),
        channel(18, time_range_months=2**64),
        channel(19, name="n" * 256),
        channel(20, status="queued"),
        channel(21, created_at="yesterday"),
        video(10, title="t" * 501),
        video(11, youtube_video_id="AbcAbc"),
        video(12, youtube_video_id="abcabc", **younger),
        video(13, youtube_video_id="video-00001", channel_id=id_of("c", 10), **younger),
        video(14, published_at="0000-00-00"),
        (STOCK, {**stock_row("NEW"), "last_price": 10**8}),
        (STOCK, {**stock_row("GOOD"), "last_price": 99999999, "exchange": "NYSE"}),
        mention(10, "AAPL", context_snippet="é" * 32_768),
        mention(11, "GOOD", confidence_score=10),
        (PROCESSING_LOG, {**log_row(5), "log_id": 5, "id": "00000005-0000", "message": "m" * 65_536}),
    ]


LEFT_BEHIND = {
    ("channels", id_of("c", 2), "video_count"),
    ("channels", id_of("c", 11), "youtube_channel_id"),
    ("channels", id_of("c", 13), "youtube_channel_id"),
    ("channels", id_of("c", 15), "youtube_channel_id"),
    ("channels", id_of("c", 16), "youtube_channel_id"),
    ("channels", id_of("c", 17), "processed_video_count"),
    ("channels", id_of("c", 18), "time_range_months"),
    ("channels", id_of("c", 19), "name"),
    ("channels", id_of("c", 20), "status"),
    ("channels", id_of("c", 21), "created_at"),
    ("stocks", "NEW", "last_price"),
    ("videos", id_of("d", 2), "channel_id"),  # of a channel that stays behind
    ("videos", id_of("d", 10), "title"),
    ("videos", id_of("d", 12), "youtube_video_id"),
    ("videos", id_of("d", 13), "youtube_video_id"),
    ("videos", id_of("d", 14), "published_at"),
    ("stock_mentions", id_of("e", 2), "video_id"),  # of a video that does
    ("stock_mentions", id_of("e", 10), "context_snippet"),
    ("stock_mentions", id_of("e", 11), "confidence_score"),
    ("processing_logs", 2**31, "id"),
    ("processing_logs", UNSIGNED_INT, "id"),
    ("processing_logs", 5, "message"),
}


def test_what_the_old_schema_refuses_is_named_and_the_rest_loads(operator, mariadb, dynamodb_client, tmp_path):
    for entity, row in written_since():
        item = to_item(entity.item(entity.model(row)))
        dynamodb_client.put_item(TableName=operator.tables[entity.table.name], Item=item)
    unreadable = {"PK": "AAPL2", "ticker": "AAPL2", "entity_type": "Stock", "last_price": "much"}
    dynamodb_client.put_item(TableName=operator.tables["stocks"], Item=to_item(unreadable))

    back = tmp_path / "back"
    done = operator.does("reverse-export", f"--out={back}")

    assert done.code == 4, done.said
    left = [json.loads(line) for line in (back / LEFT).read_text(encoding="utf-8").splitlines()]
    *rows, item = left
    assert {(row["table"], *row["key"].values(), row["column"]) for row in rows} == LEFT_BEHIND
    assert len(rows) == len(LEFT_BEHIND)
    assert (item["table"], "AAPL2" in item["reason"]) == ("items", True)
    reasons = {next(iter(row["key"].values())): row["reason"] for row in rows}
    assert reasons[UNSIGNED_INT] == "4294967295 is no INT, which ends at 2147483647"
    assert reasons[id_of("c", 11)] == "handle:cafeshop goes, which is the same to the old schema"
    assert reasons[id_of("e", 2)] == "what it belongs to stays behind"
    assert next(row["row"] for row in rows if row["key"] == {"id": id_of("c", 2)})["video_count"] == 2**31
    assert "23 cannot go back" in done.said
    assert f"| channels | {id_of('c', 2)} | video_count |" in done.report

    sql = back / "stock_track_record.sql"
    assert sql.read_bytes().isascii()
    for character_set, client_encoding in zip(COLLATIONS, ("utf8mb4", "latin1", "gbk", "sjis"), strict=True):
        with mariadb.database(schema("stock_track_record"), character_set=character_set) as empty:
            loaded(sql, empty, mariadb.port, client_encoding)
            channels = rows_of(empty, mariadb.port, "SELECT youtube_channel_id, name FROM channels ORDER BY id")
            assert channels == [
                (f"UC{1:022d}", AWKWARD), ("handle:cafeshop", "Channel 10"), ("handle:ひらがな", "Channel 12"),
                ("custom:søren", "Channel 14"),
            ], (character_set, client_encoding)  # fmt: skip
            assert rows_of(empty, mariadb.port, "SELECT id FROM processing_logs") == [(2**31 - 1,)]
            assert rows_of(empty, mariadb.port, "SELECT youtube_video_id FROM videos ORDER BY id") == [
                ("video-00001",), ("AbcAbc",),
            ]  # fmt: skip

    for entity, row in written_since():
        dynamodb_client.delete_item(
            TableName=operator.tables[entity.table.name], Key=to_item(entity.key_of(entity.model(row)).values)
        )
    assert operator.does("reverse-export", f"--out={back}").code == 4
    assert len((back / LEFT).read_text(encoding="utf-8").splitlines()) == 6


def test_a_limit_is_where_the_column_of_the_server_has_it(mariadb, tmp_path):
    """Each value alone, as the file writes it, into the old schema without its foreign keys."""
    good: dict[str, Row] = {
        "channels": channel_row(1), "stocks": stock_row("AAPL"), "videos": video_row(1),
        "stock_mentions": mention_row(1), "processing_logs": log_row(1),
    }  # fmt: skip
    tried: list[tuple[str, str, Any]] = [
        *(("channels", "youtube_channel_id", "é" * length) for length in (50, 51)),
        *(("channels", "name", "📈" * length) for length in (255, 256)),
        *(("channels", name, "u" * length) for name in ("url", "thumbnail_url") for length in (500, 501)),
        *(("channels", "status", status) for status in ("cancelled", "queued", None)),
        *(("channels", "video_count", count) for count in (2**31 - 1, 2**31, -(2**31), -(2**31) - 1, None)),
        *(("channels", "created_at", at) for at in ("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z", None)),
        *(("stocks", "ticker", "T" * length) for length in (10, 11)),
        *(("stocks", "exchange", exchange) for exchange in ("NYSE", "XETRA", None)),
        *(("stocks", "last_price", price) for price in ("99999999.9999", "100000000", "-99999999.9999", None)),
        *(("videos", "id", "d" * length) for length in (36, 37)),
        *(("videos", "youtube_video_id", "v" * length) for length in (20, 21)),
        *(("videos", "title", title) for title in ("t" * 500, "t" * 501, None)),
        *(("videos", "published_at", day) for day in ("0001-01-01", "9999-12-31", None)),
        *(("stock_mentions", "confidence_score", score) for score in ("9.994", "9.995", "10", "-9.99")),
        *(("stock_mentions", "context_snippet", text) for text in ("é" * 32_767, "é" * 32_768, "\0", None)),
        *(("stock_mentions", "sentiment", sentiment) for sentiment in ("mentioned", "", None)),
        *(("processing_logs", "id", number) for number in (2**31 - 1, 2**31, 2**32 - 1)),
        *(("processing_logs", "message", message) for message in ("m" * 65_535, "m" * 65_536, None)),
    ]
    with mariadb.database(schema("stock_track_record")) as empty:
        name = urlsplit(empty.url).path[1:]
        with pymysql.connect(host="127.0.0.1", port=mariadb.port, user="admin", database=name) as connection:
            cursor = connection.cursor()
            cursor.execute("SET foreign_key_checks = 0")
            for table, column, value in tried:
                row = {**good[table], column: value}
                with Draft(tmp_path) as draft:
                    STATEMENTS.write(draft, mapping(), partial(_of, {table: [row]}))
                taken = _is_taken(cursor, (tmp_path / "stock_track_record.sql").read_text(encoding="utf-8"))
                declared = next(each for each in mapping().source(table).columns if each.name == column)
                assert taken == (not refusal(declared, value)), (table, column, str(value)[:50])


def _of(rows: Mapping[str, list[Row]], source: SourceTable) -> Iterator[Row]:
    yield from rows.get(source.name, ())


def _is_taken(cursor: Any, script: str) -> bool:
    statements = [part for part in script.split(";\n") if "COMMIT" not in part]
    try:
        for statement in statements:
            if statement.strip():
                cursor.execute(statement)
    except pymysql.err.Error:
        return False
    else:
        return True
    finally:
        cursor.execute("ROLLBACK")


def test_what_a_collation_takes_for_one_is_folded_to_one(mariadb):
    pairs = [
        ("cafeshop", "caféshop"), ("ABC", "abc"), ("ひらがな", "ヒラガナ"), ("っ", "つ"), ("が", "か"), ("ｶﾞ", "が"),
        ("straße", "strasse"), ("søren", "soren"), ("łódź", "lodz"), ("đ", "d"), ("æ", "ae"), ("ñ", "n"),
        ("١٢", "12"), ("\N{FULLWIDTH DIGIT ONE}", "1"), ("ם", "מ"), ("й", "и"), ("ё", "\N{CYRILLIC SMALL LETTER IE}"),
        ("έ", "ε"), ("أ", "\N{ARABIC LETTER ALEF}"),
        ("e\u0301", "e"), ("𐐀", "𐐁"), ("กี่", "กี"), ("name ", "name"), ("कि", "कु"), ("กิ", "กุ"), ("c", "k"), ("ŧ", "t"),
        ("b", "в"), ("ab", "a-b"),
    ]  # fmt: skip
    kinds = [name.rpartition(" ")[2] for name in COLLATIONS[1:]] + ["utf8mb4_general_ci"]
    with mariadb.database() as database:
        for one, other in pairs:
            equal = ", ".join(f"'{one}' = '{other}' COLLATE {kind}" for kind in kinds)
            [answers] = rows_of(database, mariadb.port, f"SELECT {equal}")
            assert (folded(one) == folded(other)) == any(answers), (one, other, answers)
