"""Every variable that a function reads from its environment is explained where it is declared."""

import inspect
import re

import pytest

from lambda_src.runtime.settings import ServiceSettings
from tests.infra.gates.promises import promises_of
from tests.support.services import module_of, service_names

CLASSES = [
    member
    for service in service_names()
    for member in vars(module_of(service, "settings")).values()
    if inspect.isclass(member) and issubclass(member, ServiceSettings)
]
SECRET = re.compile(r"(^|_)(key|token|password|secret)$")


@pytest.mark.parametrize("settings", CLASSES, ids=lambda cls: cls.__name__)
def test_every_setting_has_a_description(settings):
    undescribed = [name for name, field in settings.model_fields.items() if not (field.description or "").strip()]

    assert undescribed == []


@pytest.mark.parametrize("settings", CLASSES, ids=lambda cls: cls.__name__)
def test_no_setting_is_a_secret_itself(settings):
    assert [name for name in settings.model_fields if SECRET.search(name)] == []


@pytest.mark.parametrize("settings", CLASSES, ids=lambda cls: cls.__name__)
def test_durations_have_a_unit_and_are_above_zero(settings):
    for name, field in settings.model_fields.items():
        if field.annotation is float:
            assert name.endswith(("_seconds", "_ms")), name
            assert any(getattr(rule, "gt", None) == 0 for rule in field.metadata), name


@pytest.mark.parametrize("service", service_names())
def test_a_worker_ends_its_work_before_it_is_reported_as_slow(service):
    """Its budgets are what it gives itself; the alarm rings at 95 % of its timeout."""
    [timeout] = re.findall(r", (\d+) s", promises_of(service)["functions"]["WorkerFunction"])
    for name, field in module_of(service, "settings").WorkerSettings.model_fields.items():
        if name.endswith("_budget_seconds"):
            assert field.default < 0.95 * float(timeout), name
