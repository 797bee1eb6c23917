"""The service over a fresh table: `new_house()` makes one, with settings by name."""

from collections.abc import Iterator

import pytest
from botocore.config import Config

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.transcribe import TranscribeClient
from lambda_src.services.yoto_smart_stream.tables import TABLES
from tests.support.buckets import emulated_bucket
from tests.support.played import played
from tests.support.transcribe_stand_in import TranscribeStandIn
from tests.support.yoto_smart_stream import MakeHouse, PlayedHouse
from tests.support.yoto_transcripts import MakeSpeech, Speech
from tests.support.yoto_uploads import MakeStudio, Studio


@pytest.fixture
def new_house(dynamodb_client, make_tables) -> Iterator[MakeHouse]:
    """See `played`."""
    with played(PlayedHouse, dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make


@pytest.fixture(scope="module")
def bucket(cloud: MiniStack) -> Iterator[ObjectClient]:
    """A bucket on an emulated S3, of all tests of a module; each ticket writes under keys of its own."""
    with emulated_bucket(cloud, "yoto") as made:
        yield made


@pytest.fixture
def new_studio(new_house, bucket) -> MakeStudio:
    """`new_studio()` is the service over a fresh table with a bucket: see `Studio`."""
    return lambda **options: Studio(new_house, bucket, **options)


@pytest.fixture
def transcribe(bucket: ObjectClient) -> Iterator[TranscribeStandIn]:
    """A provider whose texts arrive in the bucket."""

    def put(_bucket: str, key: str, content: bytes) -> None:
        bucket.put(key, content, content_type="application/json")

    with TranscribeStandIn(put) as made:
        yield made


@pytest.fixture
def new_speech(new_house: MakeHouse, bucket: ObjectClient, cloud: MiniStack, transcribe) -> Iterator[MakeSpeech]:
    """`new_speech()`: the service with audio, and with the provider `transcribe`; a request is tried once."""
    config = Config(retries={"total_max_attempts": 1})
    client = cloud.session.client("transcribe", endpoint_url=transcribe.url, config=config)
    yield lambda **options: Speech(new_house(**options), transcribe, lambda: TranscribeClient(lambda: client), bucket)
    client.close()
