"""Brings the local cloud up in the right order, watches it, and takes it down in the reverse one."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pkgutil import resolve_name
from typing import Any, Final, Never

import httpx
from starlette.types import ASGIApp

from cdk_app.environments import LOCAL
from cdk_app.local import kept_state
from cdk_app.local.console.app import create_console
from cdk_app.local.cors import restore_cors
from cdk_app.local.deployment import Deployment
from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.local.expiry import ExpirySweeper, settle
from cdk_app.local.generations import Generations
from cdk_app.local.interrupts import Interrupts
from cdk_app.local.inventory import Inventory, read_inventory, running_service
from cdk_app.local.layout import Layout, LocalCloudError, refuse_taken_ports
from cdk_app.local.ministack import QUICK, MiniStack, answers, local_session
from cdk_app.local.outside_services import STAND_INS, OutsideServices
from cdk_app.local.processes import ChildProcess
from cdk_app.local.proxy import create_proxy
from cdk_app.local.running import LocalCloud, RunningService, RunningStandIn
from cdk_app.local.secret_values import fill_secrets
from cdk_app.local.streams.batches import Calls
from cdk_app.local.streams.bridge import StreamBridge, logged
from cdk_app.local.streams.calls import EmulatorCalls
from cdk_app.local.streams.journal import Journal
from cdk_app.local.streams.mappings import read_mappings
from cdk_app.local.tables import DeployedTable, bring_about, tables_of
from cdk_app.local.trouble import LogWatch, lack_of_space
from cdk_app.local.web import WebServer
from cdk_app.services import stand_ins
from cdk_app.services.planting import Ground
from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Service, StandIn

WATCH_SECONDS: Final = 0.1
SAVE_SECONDS: Final = 5  # as much of queues, secrets and logs may be lost to `kill -9`; tables lose nothing
FIRST_ANSWER_TIMEOUT_SECONDS: Final = 60  # a function is unpacked and imported at its first request
FIRST_ANSWER_TRIES: Final = 3
STAND_INS_TIMEOUT_SECONDS: Final = 30

type Announce = Callable[[str], None]
type Template = dict[str, Any]


class Supervisor:
    """One local cloud, from start to end. `close` ends whatever `open` began, also when it began only half."""

    def __init__(self, layout: Layout, outside: OutsideServices, *, announce: Announce, interrupts: Interrupts) -> None:
        self._layout = layout
        self._outside = outside
        self._interrupts = interrupts
        self._announce = announce
        self._exit = ExitStack()
        self._watched: list[tuple[str, Callable[[], bool]]] = []
        self._logs: list[LogWatch] = []
        self._emulator: MiniStack | None = None

    def open(self, *, samples: bool = True) -> LocalCloud:
        """Start everything and return once every API answered. Raises LocalCloudError.

        samples: of services that have some, unless they had them before.
        """
        if told := self.trouble():
            raise LocalCloudError(told)
        self._layout.log_directory.mkdir(parents=True, exist_ok=True)
        self._announce("Starting DynamoDB Local, MiniStack and the stand-ins")
        journal = self._exit.enter_context(Journal(self._layout.state_directory / "streams.sqlite"))  # closed last
        engine = self._start_dynamodb()
        started = {each: self._start_stand_in(each) for each in self._outside.stand_ins}
        emulator = self._start_ministack()
        for stand_in, process in started.items():
            process.wait_until(partial(answers, self._url_of(stand_in)), timeout_seconds=STAND_INS_TIMEOUT_SECONDS)
        emulator.wait_until_ready()
        engine.wait_until_ready()
        deployment = Deployment(emulator, self._layout, self._interrupts)
        stacks = {service: service.stack_names(LOCAL.name) for service in SERVICES}
        stack_names = [name for names in stacks.values() for name in names]
        if not deployment.is_current(stack_names):
            self._announce("Deploying the stacks (cdk deploy)")
            emulator.seed_bootstrap()
            deployment.renew(stack_names)
        self._announce("Opening tables, APIs and console")
        inventories = {service: read_inventory(emulator, names) for service, names in stacks.items()}
        templates = {service: _templates(emulator, names) for service, names in stacks.items()}
        tables = self._open_tables([template for its in templates.values() for template in its], journal)
        for each, inventory in inventories.items():
            made_up = resolve_name(each.local_secrets) if each.local_secrets else {}
            fill_secrets(emulator, inventory.of("AWS::SecretsManager::Secret"), self._outside.keys, made_up)
            for template in templates[each]:
                restore_cors(emulator, api_id=inventory.api_id, template=template)
        services = tuple(self._open_api(emulator, service, inventory) for service, inventory in inventories.items())
        local_cloud = LocalCloud(
            services=services,
            aws_endpoint=self._layout.emulator_url,
            dynamodb_endpoint=self._layout.dynamodb_url,
            console_url=self._layout.console_url,
            state_directory=self._layout.state_directory,
            stand_ins=tuple(RunningStandIn(each.title, self._url_of(each)) for each in started),
        )
        self._serve("console", create_console(local_cloud), port=self._layout.console_port)
        for service in services:
            _wait_for_first_answer(service)
        self._open_streams(emulator, stack_names, tables, journal)
        if samples:
            self._plant_samples(dict(zip(inventories, services, strict=True)))
        emulator.save_state()
        return local_cloud

    def trouble(self) -> str | None:
        """What went wrong below, and what to do about it. None: all is well."""
        directory = self._layout.state_directory
        if told := lack_of_space(directory, directory / "dynamodb"):
            return told
        return next((told for log in self._logs if (told := log.trouble())), None)

    def watch(self) -> Never:
        """Look after the local cloud until Interrupted. Raises LocalCloudError when a part fails or ends by itself."""
        save_at = time.monotonic() + SAVE_SECONDS
        while True:
            time.sleep(WATCH_SECONDS)
            if told := self.trouble():
                raise LocalCloudError(told)
            if self._emulator is not None and time.monotonic() > save_at:
                self._emulator.save_state()
                save_at = time.monotonic() + SAVE_SECONDS
            for name, is_running in self._watched:
                if not is_running():
                    raise LocalCloudError(f"{name} ended by itself; its log is in {self._layout.log_directory}")

    def close(self) -> None:
        """End everything that was started, last first. Nothing of it is left afterwards."""
        self._exit.close()
        if self._emulator is not None and kept_state.NOT_SAVED in (log := self._emulator.process.log_tail()):
            self._announce(log)

    def refuse_taken_ports(self) -> None:
        """Raise LocalCloudError when somebody has ports we need. Nothing is started by then."""
        layout = self._layout
        refuse_taken_ports(
            {
                layout.emulator_port: "MiniStack",
                layout.dynamodb_port: "DynamoDB Local",
                layout.console_port: "the console",
                **{layout.moved(each.port): f"the stand-in of {each.title}" for each in STAND_INS},
                **{layout.moved(each.local_port): f"the API of {each.title}" for each in SERVICES},
            }
        )

    def _start_dynamodb(self) -> DynamoDBLocal:
        engine = DynamoDBLocal(self._layout.dynamodb_port, self._layout.state_directory / "dynamodb")
        with self._interrupts.held():
            self._exit.callback(engine.stop)
            engine.start()
        self._logs.append(LogWatch("DynamoDB Local", engine.log_path))
        self._watched.append(("DynamoDB Local", lambda: engine.is_running))
        return engine

    def _start_stand_in(self, stand_in: StandIn) -> ChildProcess:
        port = str(self._layout.moved(stand_in.port))
        with self._interrupts.held():
            process = ChildProcess.start(
                stand_in.name,
                (sys.executable, "-m", stand_ins.__name__, stand_in.application, "--port", port),
                environment=os.environ,
                log_path=self._layout.log_directory / f"{stand_in.name}.log",
            )
            self._exit.callback(process.stop, grace_seconds=5)
        self._watched.append((f"The stand-in of {stand_in.title}", lambda: process.is_running))
        return process

    def _url_of(self, stand_in: StandIn) -> str:
        return self._layout.address(stand_in.port)

    def _start_ministack(self) -> MiniStack:
        state_directory = self._layout.state_directory / "ministack"
        if told := Generations(state_directory).settle():
            self._announce(told)
        with self._interrupts.held():
            emulator = MiniStack.start(
                port=self._layout.emulator_port,
                state_directory=state_directory,
                log_path=self._layout.log_directory / "ministack.log",
                function_environment={
                    "AWS_ENDPOINT_URL_DYNAMODB": self._layout.dynamodb_url,
                    **self._outside.function_environment(self._url_of),
                },
            )
            self._exit.callback(emulator.stop)
        self._emulator = emulator
        self._logs.append(LogWatch("MiniStack", emulator.process.log_path))
        self._watched.append(("MiniStack", lambda: emulator.process.is_running))
        return emulator

    def _open_tables(self, templates: Iterable[Template], journal: Journal) -> list[DeployedTable]:
        dynamodb = local_session().client("dynamodb", endpoint_url=self._layout.dynamodb_url, config=QUICK)
        tables = [table for template in templates for table in tables_of(template)]
        for table in tables:
            bring_about(dynamodb, table)
        settle(dynamodb, tables, journal)
        sweeper = ExpirySweeper(dynamodb, tables, journal)
        self._exit.callback(sweeper.stop)
        sweeper.start()
        return tables

    def _open_streams(
        self, emulator: MiniStack, stack_names: Iterable[str], tables: Iterable[DeployedTable], journal: Journal
    ) -> None:
        self._exit.enter_context(logged(self._layout.log_directory / "streams.log"))
        reached = EmulatorCalls(emulator)
        bridge = StreamBridge(
            read_mappings(emulator, stack_names),
            {table.name: table for table in tables},
            dynamodb=emulator.session.client("dynamodb", endpoint_url=self._layout.dynamodb_url, config=QUICK),
            streams=emulator.session.client("dynamodbstreams", endpoint_url=self._layout.dynamodb_url, config=QUICK),
            journal=journal,
            calls=Calls(reached.invoke, reached.send, self._announce),
        )
        self._exit.callback(bridge.stop)
        bridge.start()
        self._watched.append(("What feeds streams to functions", lambda: bridge.is_running))

    def _open_api(self, emulator: MiniStack, service: Service, inventory: Inventory) -> RunningService:
        port = self._layout.moved(service.local_port)
        self._serve(service.title, create_proxy(emulator_url=emulator.url, api_id=inventory.api_id), port=port)
        url = self._layout.address(service.local_port)
        return running_service(emulator, inventory, name=service.name, title=service.title, url=url)

    def _plant_samples(self, running: Mapping[Service, RunningService]) -> None:
        """Give services their sample data, once in the life of this data: what is deleted then stays deleted."""
        for service, started in running.items():
            planted = self._layout.state_directory / f"planted-{service.name}"
            if service.samples is None or planted.exists():
                continue
            self._announce(f"Planting sample data of {service.title}")
            try:
                resolve_name(service.samples)(self._ground(started))
                planted.touch()
            except httpx.HTTPError as error:  # it is of use without; the next start tries again
                self._announce(f"{service.title} has no sample data: {error}")

    def _ground(self, running: RunningService) -> Ground:
        return Ground(
            url=running.url,
            accounts=running.accounts,
            stand_ins={each.name: self._url_of(each) for each in self._outside.stand_ins},
            dynamodb_url=self._layout.dynamodb_url,
        )

    def _serve(self, name: str, app: ASGIApp, *, port: int) -> None:
        refuse_taken_ports({port: name})
        server = WebServer(name, app, port=port)
        self._exit.callback(server.stop)
        server.start()
        self._watched.append((f"The server of the {name}", lambda: server.is_running))


def _templates(emulator: MiniStack, stack_names: Iterable[str]) -> list[Template]:
    """The templates as deployed: what runs here is what they say."""
    stacks = emulator.session.client("cloudformation", endpoint_url=emulator.url, config=QUICK)
    bodies: list[Any] = [stacks.get_template(StackName=name)["TemplateBody"] for name in stack_names]
    return [json.loads(body) if isinstance(body, str) else body for body in bodies]


def _wait_for_first_answer(service: RunningService) -> None:
    """Until `/health` answers 200. The first request starts the function; those after it find it warm.

    A few tries only: a function that cannot be imported answers quickly, and the same each time.
    """
    for _ in range(FIRST_ANSWER_TRIES):
        answer = httpx.get(f"{service.url}/health", timeout=FIRST_ANSWER_TIMEOUT_SECONDS, trust_env=False)
        if answer.is_success:
            return
        time.sleep(1)
    logs = ", ".join(function.log_group for function in service.functions)
    raise LocalCloudError(
        f"{service.title} answers GET /health with {answer.status_code}: {answer.text[:1000]}\nIts log groups: {logs}"
    )
