"""The client of Amazon Transcribe on the emulator of the local cloud, which knows the service by itself."""

from dataclasses import replace
from typing import Final

import boto3

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.transcribe import AUTO, JobState, MediaJob, TranscribeClient

BUCKET: Final = "media-of-transcribe"
JOB: Final = MediaJob(
    name="sample-1",
    media_uri=f"s3://{BUCKET}/media/1.mp3",
    media_format="mp3",
    language="en-US",
    output_bucket=BUCKET,
    output_key="transcripts/1.json",
)


def test_the_emulator_takes_starts_and_deletes_jobs_as_transcribe_does(cloud: MiniStack, monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", cloud.session)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
    cloud.session.client("s3", endpoint_url=cloud.url).create_bucket(Bucket=BUCKET)
    ObjectClient(BUCKET).put("media/1.mp3", b"\xff\xfb\x90\x00" * 200, content_type="audio/mpeg")
    client = TranscribeClient()
    assert client.get(JOB.name) == JobState("unknown")
    assert [client.start(JOB), client.start(JOB)] == ["started", "exists"]
    assert client.start(replace(JOB, name="sample-2", language=AUTO)) == "started"
    assert client.get(JOB.name).status in {"running", "completed"}
    client.delete(JOB.name)
    assert client.get(JOB.name) == JobState("unknown")
