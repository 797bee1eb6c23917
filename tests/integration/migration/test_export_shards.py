"""Shards for DynamoDB's import from S3: what a copy writes, in files that an empty table can be filled from."""

import gzip
import hashlib
import json
from itertools import batched, chain

import pytest

from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.export_s3 import MANIFEST, export_s3
from tests.support.migration.jobs import items_of

ITEMS_PER_SHARD = 200


@pytest.fixture
def job(moving, dynamodb_client):
    moving.service.fill(moving.database, 400)
    return moving.job(moving.operator("shards"), dynamodb_client)


@pytest.fixture
def create_table(dynamodb_client):
    """Makes a table from the file for `import-table`, and removes it in the end."""
    names = []

    def create(path):
        asked = json.loads(path.read_bytes())
        dynamodb_client.create_table(**asked)
        names.append(asked["TableName"])
        return names[-1]

    yield create
    for name in names:
        dynamodb_client.delete_table(TableName=name)


def items_in(shard):
    lines = gzip.decompress(shard.read_bytes()).decode().splitlines()
    return [json.loads(line)["Item"] for line in lines]


def test_a_table_filled_from_shards_is_the_table_that_a_copy_fills(job, create_table, dynamodb_client, tmp_path):
    export_s3(job, tmp_path, items_per_shard=ITEMS_PER_SHARD)
    copy(job)
    for table in job.mapping.tables:
        name = create_table(tmp_path / f"{table.name}.table.json")
        shards = sorted(tmp_path.glob(f"{table.name}-*.json.gz"))
        items = chain.from_iterable(map(items_in, shards))
        for batch in batched(items, 25, strict=False):
            puts = [{"PutRequest": {"Item": item}} for item in batch]
            assert not dynamodb_client.batch_write_item(RequestItems={name: puts})["UnprocessedItems"]
        assert items_of(dynamodb_client, name) == items_of(dynamodb_client, job.place.caller.physical_name(table))


def test_the_manifest_says_what_each_shard_holds(job, tmp_path):
    exported = export_s3(job, tmp_path, items_per_shard=ITEMS_PER_SHARD)
    manifest = json.loads((tmp_path / MANIFEST).read_bytes())
    assert {shard["file"] for shard in manifest["shards"]} == {path.name for path in tmp_path.glob("*.gz")}
    for shard in manifest["shards"]:
        path = tmp_path / shard["file"]
        assert shard["file"].startswith(f"{shard['table']}-")
        assert shard["items"] == len(items_in(path)) <= ITEMS_PER_SHARD
        assert shard["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["items"] == exported.items == sum(shard["items"] for shard in manifest["shards"])
    assert len(manifest["shards"]) > len(job.mapping.tables)


def test_the_same_source_gives_the_same_bytes(job, tmp_path):
    found = []
    for folder in map(tmp_path.joinpath, ("first", "second")):
        export_s3(job, folder, items_per_shard=ITEMS_PER_SHARD)
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]
