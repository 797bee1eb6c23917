"""Who gets what: settings and resources become the application and the worker.

Each function imports what it alone needs: a worker has no use for FastAPI, and importing it takes half a start.
"""

from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from lambda_src.runtime.resources import Resources
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.nbhd_city.messages import TableTask, Task, parse_task
from lambda_src.services.nbhd_city.settings import ApiSettings, WorkerSettings
from lambda_src.services.nbhd_city.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from lambda_src.runtime.deadline import Deadline
    from lambda_src.runtime.secrets import Secret
    from lambda_src.runtime.worker import QueueWorker
    from lambda_src.services.nbhd_city.sign_in.dids import Resolve
    from lambda_src.services.nbhd_city.upkeep import TaskService

NAMESPACE: Final = "NbhdCity"
PACKAGE: Final = "nbhd_city"
CURSOR_PURPOSE: Final = b"nbhd.cursor.v1"
LATENCY_METRIC: Final = "UpstreamLatency"
CODES: Final = {
    "internal_error": "internal",
    "not_authenticated": "missing_token",
    "token_invalid": "invalid_token",
    "token_expired": "expired_token",
}


def api(settings: ApiSettings, resources: Resources, *, resolve: "Resolve | None" = None) -> "FastAPI":
    """The application. resolve: finds the addresses of a host, where not the system does."""
    from lambda_src.runtime.app_secret import AppSecret, DerivedKeys
    from lambda_src.runtime.http import create_app
    from lambda_src.runtime.problems import ErrorAnswers, named
    from lambda_src.services.nbhd_city import clients, health
    from lambda_src.services.nbhd_city.memberships import routes as memberships
    from lambda_src.services.nbhd_city.memberships.repository import MembershipRepository
    from lambda_src.services.nbhd_city.memberships.service import MembershipService
    from lambda_src.services.nbhd_city.neighborhoods import routes as neighborhoods
    from lambda_src.services.nbhd_city.neighborhoods.repository import NeighborhoodRepository
    from lambda_src.services.nbhd_city.neighborhoods.service import NeighborhoodService
    from lambda_src.services.nbhd_city.principals import AccessTokens
    from lambda_src.services.nbhd_city.profiles import routes as profiles
    from lambda_src.services.nbhd_city.profiles.repository import ProfileRepository
    from lambda_src.services.nbhd_city.profiles.service import LiveProfiles, ProfileService
    from lambda_src.services.nbhd_city.sign_in import routes as sign_in
    from lambda_src.services.nbhd_city.sign_in.clients import SignInSecret, oauth_client, server_of
    from lambda_src.services.nbhd_city.sign_in.repository import SignInRepository
    from lambda_src.services.nbhd_city.sign_in.service import SignIn, TestLogin

    secret = AppSecret(opened_secret(settings, resources.secret))
    clock, metrics = resources.clock, resources.metrics
    store = resources.store(TABLES, settings, keys=DerivedKeys(secret, CURSOR_PURPOSE))
    tasks = WorkQueue[Task](resources.queue, settings.nbhd_task_queue_url)
    http = resources.http(
        connect_timeout_seconds=clients.CONNECT_TIMEOUT_SECONDS,
        max_answer_bytes=clients.MAX_ANSWER_BYTES,
        observe=lambda name, milliseconds: metrics.milliseconds(LATENCY_METRIC, milliseconds, upstream=name),
    )
    tokens = AccessTokens(secret, settings, seconds=resources.seconds)
    live = LiveProfiles(clients.BlueSkyClient(http, settings.bluesky_public_api_url))
    people = ProfileService(store, ProfileRepository(store, clock), live)
    sign_in_secret = SignInSecret(secret)
    client = oauth_client(settings, sign_in_secret)
    server = server_of(settings, sign_in_secret, http=http, clock=clock, resolve=resolve)
    return create_app(
        title="nbhd.city",
        version="1.0.0",
        settings=settings,
        cors=settings.cors,
        routers=[
            health.router,
            neighborhoods.router,
            memberships.router,
            sign_in.router,
            *([sign_in.client_router] if client else []),
            *([sign_in.test_login_router] if settings.has_test_login else []),
            profiles.router,
        ],
        provided=[
            settings,
            store,
            secret,
            tokens,
            NeighborhoodService(store, NeighborhoodRepository(store, clock), tasks, metrics, clock, settings),
            MembershipService(store, MembershipRepository(store, clock), tasks, metrics),
            people,
            live,
            SignIn(server, SignInRepository(store, resources.seconds), people, tokens, clock, settings, metrics),
            client,
            TestLogin(sign_in_secret.test_users),
        ],
        resources=resources,
        errors=ErrorAnswers(codes=CODES, field_error=named),
        reads_by_post=frozenset({"/api/users/batch"}),
    )


def worker(settings: WorkerSettings, resources: Resources) -> "QueueWorker[Task]":
    """The handler of the task queue and of what is scheduled."""
    from lambda_src.runtime.worker import QueueWorker, WorkerQueue
    from lambda_src.services.nbhd_city.upkeep import TaskService, UpkeepRepository

    store = resources.store(TABLES, settings)
    tasks = WorkQueue[Task](resources.queue, settings.nbhd_task_queue_url)
    upkeep = UpkeepRepository(store)
    service = TaskService(store, upkeep, tasks, resources.clock, resources.metrics, settings.nbhd_list_shards)
    return QueueWorker(
        parse=parse_task,
        kind=lambda task: task.task,
        budget_seconds=lambda _: settings.task_budget_seconds,
        handle=lambda task, _delivery, deadline: service.handle(task, deadline),
        queue=resources.queue,
        queues=[WorkerQueue(settings.nbhd_task_queue_url, settings.nbhd_task_dlq_url)],
        retry_base_seconds=settings.retry_base_seconds,
        tasks={name: partial(_run, service, name) for name in ("sweep", "audit", "reshard")},
        usage=resources.client,
        after=resources.metrics.flush,
    )


def opened_secret(settings: ApiSettings, open_secret: "Callable[[str], Secret]") -> "Secret":
    """The application's secret: the one that the settings hold, else the one that they name."""
    from lambda_src.runtime.secrets import GivenSecret

    held = settings.app_secret_json
    return open_secret(settings.app_secret_arn) if held is None else GivenSecret("it", held.get_secret_value())


def _run(service: "TaskService", name: Literal["sweep", "audit", "reshard"], deadline: "Deadline") -> None:
    service.handle(TableTask(task=name), deadline)
