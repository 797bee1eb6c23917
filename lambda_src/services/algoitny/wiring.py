"""Who gets what: settings and resources become the application, the worker and the consumers of the stream.

Each function imports what it alone needs: a worker has no use for FastAPI, and importing it takes half a start.
"""

from typing import TYPE_CHECKING, Final

from lambda_src.runtime.resources import Resources
from lambda_src.services.algoitny.items import SIGN_INS
from lambda_src.services.algoitny.settings import ApiSettings, ArchiverSettings, StatsSettings, WorkerSettings
from lambda_src.services.algoitny.tables import TABLES

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lambda_src.runtime.deadline import Deadline
    from lambda_src.runtime.stream import BatchConsumer, RecordConsumer
    from lambda_src.runtime.worker import QueueWorker
    from lambda_src.services.algoitny.archive.rules import ExpiredLog
    from lambda_src.services.algoitny.messages import TaskMessage
    from lambda_src.services.algoitny.statistics.rules import Change

NAMESPACE: Final = "AlgoItny"
PACKAGE: Final = "algoitny"
TITLE: Final = "AlgoItny"
VERSION: Final = "1.0.0"
MAX_BODY_BYTES: Final = 5_242_880
CURSOR_PURPOSE: Final = b"algoitny.cursor.v1"
TOKEN_PURPOSE: Final = b"algoitny.access.v1"
REFRESH_PURPOSE: Final = b"algoitny.refresh.v1"


def api(settings: ApiSettings, resources: Resources) -> "FastAPI":
    """The application."""
    from lambda_src.runtime.accounts.refresh import RefreshTokens
    from lambda_src.runtime.app_secret import DerivedKeys
    from lambda_src.runtime.http import create_app
    from lambda_src.runtime.keyring import GeneratedKeys
    from lambda_src.runtime.problems import ErrorAnswers
    from lambda_src.services.algoitny import health
    from lambda_src.services.algoitny.errors import CODES
    from lambda_src.services.algoitny.histories import routes as histories
    from lambda_src.services.algoitny.histories.service import RunRecorder
    from lambda_src.services.algoitny.legal import routes as legal
    from lambda_src.services.algoitny.legal.service import LegalDocuments
    from lambda_src.services.algoitny.parts import Parts
    from lambda_src.services.algoitny.plans import routes as plans
    from lambda_src.services.algoitny.principals import AccessTokens
    from lambda_src.services.algoitny.problems.service import Problems
    from lambda_src.services.algoitny.rollups import routes as rollups
    from lambda_src.services.algoitny.sign_in import routes as sign_in
    from lambda_src.services.algoitny.sign_in.clients import MAX_ANSWER_BYTES, Google
    from lambda_src.services.algoitny.sign_in.service import SignInService, lifetimes
    from lambda_src.services.algoitny.statistics import routes as statistics
    from lambda_src.services.algoitny.tasks import routes as tasks
    from lambda_src.services.algoitny.usage import routes as usage
    from lambda_src.services.algoitny.users import routes as users
    from lambda_src.services.algoitny.users.repository import UserRepository
    from lambda_src.services.algoitny.users.service import UserService

    secret, clock, metrics = resources.secret(settings.app_secret_arn), resources.clock, resources.metrics
    keys = GeneratedKeys(secret)
    store = resources.store(TABLES, settings, keys=DerivedKeys(keys, CURSOR_PURPOSE))
    tokens = AccessTokens(DerivedKeys(keys, TOKEN_PURPOSE), settings, store, secret, seconds=resources.seconds)
    parts = Parts(settings, resources, store)
    people = UserService(UserRepository(store, clock), parts.plans, secret, parts.tasks, clock)
    http, lasting = resources.http(max_answer_bytes=MAX_ANSWER_BYTES), lifetimes(settings.refresh_token_days)
    google = Google(settings, http, secret, seconds=resources.seconds)
    sessions = RefreshTokens(store, SIGN_INS, DerivedKeys(keys, REFRESH_PURPOSE), lasting, clock)
    recorder = RunRecorder(
        parts.runs.histories, Problems(store), parts.plans, parts.statistics, parts.usage, metrics, clock
    )
    features = (
        health, plans, users, tasks, sign_in, legal, statistics, usage, rollups,
        histories,  # behind what has a path of its own under /api/history
    )  # fmt: skip
    return create_app(
        title=TITLE,
        version=VERSION,
        settings=settings,
        cors=settings.cors,
        routers=[users.account_router, *(feature.router for feature in features)],
        provided=[
            settings,
            store,
            tokens,
            people,
            SignInService(google, people, sessions, tokens, clock, metrics),
            LegalDocuments(clock),
            recorder,
            *vars(parts).values(),  # each of them
        ],
        resources=resources,
        errors=ErrorAnswers(codes=CODES, detail_as="error", malformed_json="bad_request"),
        health_paths=health.PATHS,
        max_body_bytes=MAX_BODY_BYTES,
        trailing_slash=True,
    )


def worker(settings: WorkerSettings, resources: Resources) -> "QueueWorker[TaskMessage]":
    """The handler of the queue and of what is scheduled."""
    from lambda_src.runtime.worker import QueueWorker, WorkerQueue
    from lambda_src.services.algoitny.messages import parse_message
    from lambda_src.services.algoitny.parts import Parts
    from lambda_src.services.algoitny.tasks.runner import TaskRunner
    from lambda_src.services.algoitny.upkeep import Upkeep
    from lambda_src.services.algoitny.usage.charge import reversal
    from lambda_src.services.algoitny.users.purging import Purger

    store = resources.store(TABLES, settings)
    parts = Parts(settings, resources, store)
    rollups, purger = parts.rollups, Purger(store, parts.runs.purge, parts.logs.delete_day, resources.clock)
    runner = TaskRunner(
        parts.tasks.repository,
        parts.tasks.queue,
        handlers={"rollup": rollups.run, "user_purge": purger.run},
        reversal=reversal,
        lease_ms=round(settings.job_budget_seconds * 1000),
    )
    ensured = {"default plans": parts.plans.plans.ensure_defaults}
    upkeep = Upkeep(parts.tasks, runner, ensured, resources.metrics, resources.clock)
    return QueueWorker(
        parse=parse_message,
        kind=lambda message: message.type,
        budget_seconds=lambda _: settings.job_budget_seconds,
        handle=runner.handle,
        on_exhausted=runner.exhausted,
        queue=resources.queue,
        queues=[WorkerQueue(settings.algoitny_job_queue_url, settings.algoitny_job_dlq_url)],
        retry_base_seconds=settings.retry_base_seconds,
        tasks={"maintenance": upkeep.maintain, "rollup": lambda _deadline: rollups.ensure_yesterday()},
        usage=resources.client,
        after=resources.metrics.flush,
    )


def archiver(settings: ArchiverSettings, resources: Resources) -> "BatchConsumer[ExpiredLog]":
    """The handler of what expires."""
    from lambda_src.runtime.stream import BatchConsumer
    from lambda_src.services.algoitny.archive.rules import expired_log
    from lambda_src.services.algoitny.archive.service import UsageArchiver

    objects = resources.objects(settings.algoitny_archive_bucket)
    return BatchConsumer(
        parse=expired_log,
        handle=UsageArchiver(objects, resources.metrics, resources.clock).archive,
        queue=resources.queue,
        dead_letter_url=settings.algoitny_archive_dlq_url,
        usage=resources.client,
        after=resources.metrics.flush,
    )


def stats(settings: StatsSettings, resources: Resources) -> "RecordConsumer[Change]":
    """What counts the changes of the table."""
    from lambda_src.runtime.stream import RecordConsumer
    from lambda_src.services.algoitny.statistics.repository import UserStatsRepository
    from lambda_src.services.algoitny.statistics.rules import change_of

    repository = UserStatsRepository(resources.store(TABLES, settings), resources.clock)

    def count(change: "Change", _deadline: "Deadline") -> None:
        repository.apply_history_event(change)

    return RecordConsumer(
        parse=change_of,
        handle=count,
        queue=resources.queue,
        dead_letter_url=settings.algoitny_stats_dlq_url,
        usage=resources.client,
        after=resources.metrics.flush,
    )
