"""Who gets what: settings and resources become the application and the worker.

Each function imports what it alone needs: a worker has no use for FastAPI, and importing it takes half a start.
"""

from typing import TYPE_CHECKING, Final

from lambda_src.dynamo.store import Store
from lambda_src.runtime.resources import Resources
from lambda_src.services.yoto_smart_stream.messages import JobMessage, Message, parse_message
from lambda_src.services.yoto_smart_stream.settings import ApiSettings, Settings, WorkerSettings
from lambda_src.services.yoto_smart_stream.tables import SIGN_INS, TABLES, THROTTLE, TRANSCRIPTIONS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lambda_src.runtime.distribution import Distribution
    from lambda_src.runtime.objects import ObjectClient
    from lambda_src.runtime.worker import QueueWorker
    from lambda_src.services.yoto_smart_stream.transcripts.providers import TranscriptionProvider
    from lambda_src.services.yoto_smart_stream.transcripts.runner import TranscriptionRunner

NAMESPACE: Final = "YotoSmartStream"
PACKAGE: Final = "yoto_smart_stream"
TITLE: Final = "Yoto Smart Stream"
MAX_BODY_BYTES: Final = 2_097_152  # a transcript of 1 MiB, escaped
CURSOR_PURPOSE: Final = b"yoto.cursor.v1"
TOKEN_PURPOSE: Final = b"yoto.access.v1"
REFRESH_PURPOSE: Final = b"yoto.refresh.v1"
PASSWORD_PURPOSE: Final = b"yoto.password.v1"


def api(settings: ApiSettings, resources: Resources) -> "FastAPI":
    """The application."""
    from lambda_src.runtime.accounts.passwords import NEW, RFC_9106, Passwords
    from lambda_src.runtime.accounts.refresh import RefreshTokens
    from lambda_src.runtime.accounts.throttle import SignInThrottle
    from lambda_src.runtime.app_secret import DerivedKeys
    from lambda_src.runtime.http import create_app
    from lambda_src.runtime.problems import ErrorAnswers, named
    from lambda_src.runtime.work_queue import WorkQueue
    from lambda_src.services.yoto_smart_stream import health
    from lambda_src.services.yoto_smart_stream.accounts import routes as accounts
    from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
    from lambda_src.services.yoto_smart_stream.accounts.service import AccountService, Bootstrap
    from lambda_src.services.yoto_smart_stream.errors import Published
    from lambda_src.services.yoto_smart_stream.library import routes as library
    from lambda_src.services.yoto_smart_stream.library.repository import AudioRepository
    from lambda_src.services.yoto_smart_stream.library.service import Library, Playback
    from lambda_src.services.yoto_smart_stream.preferences import routes as preferences
    from lambda_src.services.yoto_smart_stream.preferences.service import Preferences
    from lambda_src.services.yoto_smart_stream.principals import AccessTokens, ServiceKeys
    from lambda_src.services.yoto_smart_stream.sign_in import routes as sign_in
    from lambda_src.services.yoto_smart_stream.sign_in.service import LIFETIMES, SignInService
    from lambda_src.services.yoto_smart_stream.transcripts import routes as transcripts
    from lambda_src.services.yoto_smart_stream.transcripts.repository import TranscriptRepository
    from lambda_src.services.yoto_smart_stream.transcripts.service import Transcripts
    from lambda_src.services.yoto_smart_stream.uploads import routes as uploads
    from lambda_src.services.yoto_smart_stream.uploads.repository import UploadRepository
    from lambda_src.services.yoto_smart_stream.uploads.service import Uploads

    if not settings.dynamodb_table:
        return create_app(
            title=TITLE, version=health.VERSION, settings=settings, cors=settings.cors,
            routers=[health.closed_router], provided=[settings], resources=resources,
        )  # fmt: skip
    published = Published(settings.dynamodb_table, settings.dynamodb_region)
    keys = ServiceKeys(resources.secret(settings.jwt_secret_arn))
    store = resources.store(TABLES, settings, keys=DerivedKeys(keys, CURSOR_PURPOSE))
    jobs = WorkQueue[JobMessage](resources.queue, settings.transcription_queue_url)
    tokens = AccessTokens(DerivedKeys(keys, TOKEN_PURPOSE), settings.environment, store, seconds=resources.seconds)
    objects = resources.objects(settings.s3_audio_bucket) if settings.s3_audio_bucket else None
    bootstrap_arn = settings.bootstrap_admin_secret_arn
    users = UserRepository(store, resources.clock)
    passwords = Passwords(DerivedKeys(keys, PASSWORD_PURPOSE), kinds=(NEW, RFC_9106))
    people = AccountService(users, passwords)
    signing_in = SignInService(
        people,
        passwords,
        SignInThrottle(store, THROTTLE, resources.seconds),
        RefreshTokens(store, SIGN_INS, DerivedKeys(keys, REFRESH_PURPOSE), LIFETIMES, resources.clock),
        tokens,
        Bootstrap(users, passwords.hash, resources.secret(bootstrap_arn) if bootstrap_arn else None),
        resources.metrics,
    )
    clock, chosen = resources.clock, Preferences(store, settings, resources.clock)
    # There is no worker where the fake provider serves, nor need there be: it answers at once.
    inline = runner(settings, resources, store, objects) if settings.transcription_provider == "fake" else None
    return create_app(
        title=TITLE,
        version=health.VERSION,
        settings=settings,
        cors=settings.cors,
        routers=[
            health.router,
            sign_in.router,
            accounts.router,
            preferences.router,
            uploads.router,
            library.router,
            transcripts.router,
        ],
        provided=[
            settings,
            published,
            store,
            jobs,
            tokens,
            signing_in,
            people,
            Library(store, AudioRepository(store, resources.clock), jobs, resources.clock),
            Playback(objects, _distribution(settings, resources)),
            Uploads(store, UploadRepository(store), objects, settings.max_upload_bytes, resources.clock),
            chosen,
            Transcripts(store, TranscriptRepository(store, clock), jobs, chosen, clock, inline),
        ],
        resources=resources,
        errors=ErrorAnswers(published, field_error=named, malformed_json="malformed_json"),
        health_paths=health.PATHS,
        max_body_bytes=MAX_BODY_BYTES,
    )


def _distribution(settings: ApiSettings, resources: Resources) -> "Distribution | None":
    """What serves audio in place of S3 itself, where there is such a thing."""
    if not settings.media_base_url:
        return None
    from lambda_src.runtime.distribution import Distribution

    secret = resources.secret(settings.cloudfront_private_key_secret_arn)
    return Distribution(settings.media_base_url, settings.cloudfront_key_pair_id, secret, clock=resources.clock)


def worker(settings: WorkerSettings, resources: Resources) -> "QueueWorker[Message]":
    """The handler of the queue and of what is scheduled."""
    from lambda_src.runtime.accounts.passwords import Passwords
    from lambda_src.runtime.work_queue import WorkQueue
    from lambda_src.runtime.worker import QueueWorker, WorkerQueue
    from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
    from lambda_src.services.yoto_smart_stream.accounts.service import Bootstrap
    from lambda_src.services.yoto_smart_stream.preferences.service import Preferences
    from lambda_src.services.yoto_smart_stream.upkeep import Dispatcher, Upkeep
    from lambda_src.services.yoto_smart_stream.uploads.finalizing import Purger, UploadFinalizer
    from lambda_src.services.yoto_smart_stream.uploads.repository import UploadRepository

    store, clock = resources.store(TABLES, settings), resources.clock
    objects = resources.objects(settings.s3_audio_bucket)
    jobs = WorkQueue[JobMessage](resources.queue, settings.transcription_queue_url)
    chosen = Preferences(store, settings, clock)
    transcriptions = runner(settings, resources, store, objects)
    purger = Purger(store, objects, clock)
    finalizer = UploadFinalizer(
        store, UploadRepository(store), objects, jobs, chosen, resources.metrics, settings.max_upload_bytes, clock
    )  # fmt: skip
    admin = resources.secret(settings.bootstrap_admin_secret_arn) if settings.bootstrap_admin_secret_arn else None
    bootstrap = Bootstrap(UserRepository(store, clock), Passwords.hash, admin)
    upkeep = Upkeep(store, transcriptions, jobs, purger.purge, bootstrap.ensure, resources.metrics, clock)
    dispatcher = Dispatcher(transcriptions, finalizer.finalize, purger.purge)
    return QueueWorker(
        parse=parse_message,
        kind=lambda message: message.kind,
        budget_seconds=lambda _: settings.job_budget_seconds,
        handle=dispatcher.handle,
        on_exhausted=dispatcher.exhausted,
        queue=resources.queue,
        queues=[WorkerQueue(settings.transcription_queue_url, settings.transcription_dlq_url)],
        retry_base_seconds=settings.retry_base_seconds,
        tasks={"sweep": upkeep.sweep},
        usage=resources.client,
        after=resources.metrics.flush,
    )


def runner(
    settings: Settings, resources: Resources, store: Store, objects: "ObjectClient | None"
) -> "TranscriptionRunner":
    """What runs jobs, with the provider that the settings name. objects: the bucket; only some providers need one."""
    from lambda_src.services.yoto_smart_stream.transcripts.repository import TranscriptRepository
    from lambda_src.services.yoto_smart_stream.transcripts.runner import TranscriptionRunner

    repository = TranscriptRepository(store, resources.clock)
    return TranscriptionRunner(
        store,
        repository,
        _provider(settings, resources, objects),
        resources.metrics,
        resources.clock,
        settings.transcribe_language,
    )


def _provider(settings: Settings, resources: Resources, objects: "ObjectClient | None") -> "TranscriptionProvider":
    from lambda_src.services.yoto_smart_stream.transcripts.providers import FakeProvider, NoProvider

    match settings.transcription_provider:
        case "fake":
            return FakeProvider(settings.fake_transcript)
        case "none":
            return NoProvider()
        case "aws-transcribe":
            from lambda_src.services.yoto_smart_stream.transcripts.clients import AwsTranscribe

            assert objects is not None  # the worker has one
            return AwsTranscribe(
                resources.transcribe(), objects, beginning=TRANSCRIPTIONS.beginning(settings.environment)
            )
