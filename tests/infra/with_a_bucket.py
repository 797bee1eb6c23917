"""A service as it would keep objects and hear of them, while no service of the product does: for rules and mutants.

nbhd.city with pictures that people upload from its pages. Its functions are told of the bucket, and read nothing there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from constructs import Construct

from cdk_app.constructs.alarms import ServiceAlarms
from cdk_app.constructs.dashboard import ServiceParts
from cdk_app.constructs.event_route import EventRoute
from cdk_app.constructs.service_bucket import ServiceBucket
from cdk_app.environments import Environment
from cdk_app.services.nbhd_city.stacks import SERVICE, NbhdCityApp, NbhdCityData
from cdk_app.services.registry import NBHD_CITY
from cdk_app.services.service import Service
from lambda_src.runtime.buckets import Bucket, Prefix
from lambda_src.services.nbhd_city.tables import API, WORKER

PICTURES: Final = Bucket(
    "Pictures",
    environment_variable="PICTURES_BUCKET_NAME",
    prefixes=(
        Prefix("uploads", {API: ("PutObject",), WORKER: ("GetObject", "DeleteObject", "ListBucket")}, days_kept=1),
        Prefix("shown/large", {API: ("GetObject",), WORKER: ("PutObject", "DeleteObject", "ListBucket")}),
    ),
    browser_methods=("GET", "HEAD", "POST"),
)
SHOWN: Final = ("Accept-Ranges", "Content-Length", "Content-Range", "ETag")
SERVICES: Final[Sequence[Service]] = (
    replace(NBHD_CITY, buckets=(PICTURES,), data_stack=f"{__name__}:Data", app_stack=f"{__name__}:App"),
)


class Data(NbhdCityData):
    """Table, secret and bucket."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, environment=environment)
        origins = environment.origins_of(SERVICE)
        self.pictures = ServiceBucket(self, PICTURES.name, bucket=PICTURES, origins=origins, environment=environment)


class App(NbhdCityApp):
    """The same with what was uploaded on the queue of the worker."""

    def _operate(self, environment: Environment, data: NbhdCityData) -> None:
        assert isinstance(data, Data)
        self._pictures = data.pictures
        self._uploaded = EventRoute(self, "Uploaded", pattern=data.pictures.created_below("uploads"), queue=self.tasks)
        for function, asker in ((self.api.function, API), (self.worker, WORKER)):
            data.pictures.grant_access(function.role, asked_by=asker)
            function.add_environment(PICTURES.environment_variable, data.pictures.bucket_name)
        super()._operate(environment, data)

    def _all(self, parts: ServiceParts) -> ServiceParts:
        return replace(parts, buckets=[self._pictures], routes=[self._uploaded])

    def watch_parts(self, parts: ServiceParts) -> ServiceAlarms:
        return super().watch_parts(self._all(parts))

    def show_parts(self, parts: ServiceParts, alarms: ServiceAlarms, *, service: str) -> None:
        super().show_parts(self._all(parts), alarms, service=service)

    def add_outputs(self, parts: ServiceParts) -> None:
        super().add_outputs(self._all(parts))


def promises(promised: Mapping[str, Any]) -> dict[str, Any]:
    """What nbhd.city promised, and what it would promise then."""
    lost = "Sum in 300 s of AWS/Events {} (RuleName UploadedRule) >= 1, 1 of 1, silence is well"
    more: dict[str, dict[str, Any]] = {
        "buckets": {
            "PicturesBucket": [
                "uploads/ for 1 days",
                "parts of uploads for 1 days",
                f"pages: GET, HEAD, POST with range, see {', '.join(SHOWN)}, asked again after 600 s",
            ]
        },
        "events": {
            "UploadedRule": [
                "source is aws.s3",
                "detail-type is Object Created",
                "detail.bucket.name is PicturesBucket",
                "detail.object.key begins with uploads/",
                "to TasksQueue, 24 tries more within 3600 s, then to TasksDeadLetters",
            ]
        },
        "alarms": {
            "UploadedFailedAlarm": lost.format("FailedInvocations"),
            "UploadedLostAlarm": lost.format("InvocationsFailedToBeSentToDlq"),
        },
    }
    outputs = {
        "Data": [*promised["outputs"]["Data"], "PicturesBucketName"],
        "App": [*promised["outputs"]["App"], "UploadedRouteName"],
    }
    return {**promised, **{name: {**promised.get(name, {}), **part} for name, part in more.items()}, "outputs": outputs}
