"""The audio of files that moved in: from a folder or from S3, into the bucket of the service."""

import json
from dataclasses import replace

import pytest

from cdk_app.local.ministack import QUICK
from lambda_src.migration.mappings.yoto_smart_stream.audio_files import object_key_of
from tests.support.dynamodb_front import fronting
from tests.support.migration.jobs import items_of
from tests.support.migration.yoto_smart_stream_files import audio, earlier_file
from tests.support.migration.yoto_smart_stream_operator import done

BUCKET = "audio-of-yoto"
SOURCE = "earlier-audio"


@pytest.fixture
def storage(cloud, secrets, monkeypatch):
    """A bucket to move into and one to move from, both empty."""
    storage = cloud.session.client("s3", endpoint_url=cloud.url, config=QUICK)
    for name in (BUCKET, SOURCE):
        storage.create_bucket(Bucket=name)
        for each in storage.list_objects_v2(Bucket=name).get("Contents", ()):
            storage.delete_object(Bucket=name, Key=each["Key"])
    monkeypatch.setenv("S3_AUDIO_BUCKET", BUCKET)
    return storage


def stored(storage):
    return {each["Key"]: each["LastModified"] for each in storage.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


NAMES = ("a.mp3", "É #1.m4a", "gone.ogg")


@pytest.fixture
def folder(tmp_path):
    """Audio as a Mac keeps it."""
    folder = tmp_path / "audio"
    (folder / "nested.mp3").mkdir(parents=True)
    (folder / "a.mp3").write_bytes(b"1" * 10)
    (folder / "E\u0301 #1.m4a").write_bytes(b"2" * 20)
    (folder / "unknown.mp3").write_bytes(b"3")
    return folder


def in_s3(storage, folder):
    for path in folder.iterdir():
        if path.is_file():
            storage.put_object(Bucket=SOURCE, Key=f"library/{path.name}", Body=path.read_bytes())
    return f"s3://{SOURCE}/library"


@pytest.mark.parametrize("where", ["folder", "s3"])
def test_audio_goes_into_the_bucket_and_the_table_says_where(mover, earlier, table, storage, folder, where):
    earlier_file(earlier, audio_files=[audio(n, name, size=10) for n, name in enumerate((*NAMES, "nested.mp3"))])
    source = f"--from={folder if where == 'folder' else in_s3(storage, folder)}"
    assert mover.does("audio-files", source).code == 3
    done(mover, "copy")
    report = done(mover, "audio-files", source, code=4)
    assert "2 files have audio. 2 have none" in report
    assert "another than their row says | 1" in report
    left = (mover.folder / "audio_left.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["file"] for line in left) == ["gone.ogg", "nested.mp3"]
    keys = {name: object_key_of(name) for name in NAMES[:2]}
    assert stored(storage).keys() == set(keys.values())
    found = table()
    for name, content, kind in (("a.mp3", b"1" * 10, "audio/mpeg"), ("É #1.m4a", b"2" * 20, "audio/mp4")):
        item = found[f"AUDIO#{name.replace('#', '%23')}", "METADATA"]
        answer = storage.get_object(Bucket=BUCKET, Key=item["object_key"])
        assert (answer["Body"].read(), answer["ContentType"]) == (content, kind)
        assert (item["object_key"], item["etag"], item["version"]) == (keys[name], answer["ETag"].strip('"'), 1)
    assert "object_key" not in found["AUDIO#gone.ogg", "METADATA"]

    before = stored(storage)
    assert "was there | 2" in done(mover, "audio-files", source, code=4)
    assert stored(storage) == before, "nothing is sent again"
    assert "Verified" in done(mover, "verify", "--full")
    assert "Nothing differed" in done(mover, "delta")
    assert table() == found
    done(mover, "rollback")
    assert table() == {}


@pytest.mark.parametrize(("before", "after"), [(b"9" * 10, b"9" * 10), (b"9" * 5, b"1" * 10)], ids=["whole", "other"])
def test_audio_that_was_sent_before_a_kill_is_not_sent_again(mover, earlier, table, storage, folder, before, after):
    earlier_file(earlier, audio_files=[audio(1, "a.mp3")])
    done(mover, "copy")
    storage.put_object(Bucket=BUCKET, Key=object_key_of("a.mp3"), Body=before)  # other bytes, so that it shows
    done(mover, "audio-files", f"--from={folder}")
    assert storage.get_object(Bucket=BUCKET, Key=object_key_of("a.mp3"))["Body"].read() == after
    assert table()["AUDIO#a.mp3", "METADATA"]["object_key"] == object_key_of("a.mp3")


def test_audio_may_come_after_the_opening(mover, earlier, table, storage, folder, dynamodb_client):
    earlier_file(earlier, audio_files=[audio(1, "a.mp3"), audio(2, "gone.ogg")])
    for phase in ("copy", "verify", "cutover --open"):
        done(mover, *phase.split())
    done(mover, "audio-files", f"--from={folder}", code=4)
    item = items_of(dynamodb_client, mover.tables["main"])["AUDIO#a.mp3", "METADATA"]
    assert "migration" not in item
    assert (item["object_key"]["S"], item["version"]["N"]) == (object_key_of("a.mp3"), "2")


@pytest.mark.parametrize(
    ("phases", "write", "nth"), [((), "PutItem", 2), (("verify", "cutover --open"), "UpdateItem", 0)]
)
def test_a_write_whose_answer_was_lost_is_our_own(  # noqa: PLR0917
    mover, earlier, table, storage, folder, dynamodb_endpoint, phases, write, nth
):
    earlier_file(earlier, audio_files=[audio(1, "a.mp3")])
    for phase in ("copy", *phases):
        done(mover, *phase.split())

    def spoil(operation, before):
        return "drop after" if (operation, before) == (write, nth) else None

    with fronting(dynamodb_endpoint) as front:
        front.spoil = spoil
        report = done(replace(mover, endpoint_url=front.url), "audio-files", f"--from={folder}")
        assert front.spoiled == {"drop after": 1}
    assert "1 files have audio" in report
    assert table()["AUDIO#a.mp3", "METADATA"]["object_key"] == object_key_of("a.mp3")


def test_a_place_that_has_no_audio_is_told(mover, earlier, storage, tmp_path):
    earlier_file(earlier)
    done(mover, "copy")
    assert "is no folder" in mover.does("audio-files", f"--from={tmp_path / 'none'}").said
    assert "names no bucket" in mover.does("audio-files", "--from=s3://").said
    assert "cannot be listed" in mover.does("audio-files", "--from=s3://nobody-has-this/x").said
