"""The example of Yoto Smart Stream's capacity figures: 2,500 files, nearly all with texts of 10 KB, and 100 users."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from botocore.config import Config

from cdk_app.local.ministack import MiniStack
from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.store import Store
from lambda_src.runtime.accounts.passwords import RFC_9106
from lambda_src.runtime.objects import ObjectClient
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Transcript, UserRecord, timestamp
from tests.support.played import TestClock
from tests.support.ports import free_port
from tests.support.yoto_accounts import PASSWORD, phc
from tests.support.yoto_smart_stream import PlayedHouse

FILES: Final = 2_500
USERS: Final = 100
TEXT_BYTES: Final = 10_000
LONG_TEXT_BYTES: Final = 500_000
ZEBRA: Final = "zebra crossing.mp3"  # the last by name
LONG: Final = "a long text.mp3"
SHOWN: Final = "a tale of number 0002.mp3"


def _text(length: int) -> str:
    """Words that gzip makes as small as it does those of a language, to about a third."""
    source = random.Random(7)
    words = ["".join(source.choices("etaoinshrdlu", k=source.randint(2, 9))) for _ in range(3_000)]
    return " ".join(source.choices(words, k=length // 4))[:length]


TEXT: Final = _text(TEXT_BYTES)
LONG_TEXT: Final = _text(LONG_TEXT_BYTES)


def write(house: PlayedHouse, clock: TestClock) -> dict[str, UserRecord]:
    """Fill an empty table. Returns an administrator, who uploads, and somebody with a hash of the product before."""
    boss = house.admin("admin", hashed_password=phc(PASSWORD), email="admin@example.com")
    old = house.user("old", hashed_password=phc(PASSWORD, RFC_9106))
    for number in range(USERS - 2):
        clock.forward(seconds=1)
        house.user(f"member_{number:03}", email=f"member{number:03}@example.com", hashed_password=phc(PASSWORD))
    store = Store(Boto3Client(house.client), house.names)
    names = [ZEBRA, LONG, *(f"a tale of number {number:04}.mp3" for number in range(2, FILES))]
    for first in range(0, FILES, 100):
        items = []
        for name in names[first : first + 100]:
            clock.forward(seconds=1)
            text = LONG_TEXT if name == LONG else TEXT
            items += [tables.AUDIO.item(_file(name, boss, clock, text)), tables.TRANSCRIPT.item(Transcript(name, text))]
        store.batch_write(tables.UPSERT_AUDIO, puts=items)
    return {"boss": boss, "old": old}


def _file(name: str, by: UserRecord, clock: TestClock, text: str) -> AudioFileRecord:
    now = timestamp(clock())
    return AudioFileRecord(
        filename=name,
        size=15_000_000,
        duration=900,
        content_type="audio/mpeg",
        object_key=f"{tables.MEDIA}/{'0' * 32}-{'1' * 32}.mp3",
        etag="b1946ac92492d2347c6235b4d2611184",
        uploaded_by=by.user_id,
        transcript_status="completed",
        transcript_chars=len(text),
        transcript_language="en-US",
        transcript_source="speech",
        transcribed_at=now,
        created_at=now,
        updated_at=now,
    )


@contextmanager
def storage() -> Iterator[ObjectClient]:
    """A bucket of the emulator."""
    with TemporaryDirectory(prefix="capacity-") as scratch:
        folder = Path(scratch)
        cloud = MiniStack.start(
            port=free_port(), state_directory=folder, log_path=folder / "ministack.log", function_environment={}
        )
        try:
            cloud.wait_until_ready()
            config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
            client = cloud.session.client("s3", endpoint_url=cloud.url, config=config)
            client.create_bucket(Bucket="audio")
            yield ObjectClient("audio", lambda: client)
            client.close()
        finally:
            cloud.stop()
