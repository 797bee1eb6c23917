"""The benchmarks run for minutes and by hand: that they find what they measure is looked at here."""

from importlib.util import find_spec

from tests.benchmarks.cold_functions import FUNCTIONS
from tests.support.assembly import ROOT
from tests.support.services import service_names


def test_cold_starts_are_measured_of_the_functions_that_are_deployed(deployed):
    handlers = {
        function["Properties"]["Handler"]
        for template in deployed.templates.values()
        for function in template.of_type("AWS::Lambda::Function").values()
    }
    assert {f"{function.module}.handler" for function in FUNCTIONS} <= handlers
    assert {function.package for function in FUNCTIONS} == set(service_names())


def test_every_benchmark_that_make_runs_is_there():
    modules = {line.split()[2] for line in (ROOT / "Makefile").read_text().splitlines() if "-m tests." in line}
    assert len(modules) == 5
    assert [module for module in sorted(modules) if find_spec(module) is None] == []
