"""Declared jobs of Amazon Transcribe: whose they are, and what each function may do with them."""

from lambda_src.runtime.transcription_jobs import TranscriptionJobs

JOBS = TranscriptionJobs(
    "sample", {"api": ("DeleteTranscriptionJob",), "worker": ("StartTranscriptionJob", "GetTranscriptionJob")}
)


def test_names_of_two_environments_have_no_beginning_in_common():
    beginnings = [JOBS.beginning(environment) for environment in ("dev", "development", "prod")]
    assert beginnings == ["sample-dev-", "sample-development-", "sample-prod-"]
    assert not any(one.startswith(other) for one in beginnings for other in beginnings if one is not other)


def test_a_function_may_do_what_it_is_declared_to_do_with_jobs_of_its_environment():
    assert list(JOBS.rights("api", "dev")) == [("DeleteTranscriptionJob", "sample-dev-*")]
    assert list(JOBS.rights("worker", "dev")) == [
        ("StartTranscriptionJob", "*"),
        ("GetTranscriptionJob", "sample-dev-*"),
    ]
    assert list(JOBS.rights("support", "dev")) == []
