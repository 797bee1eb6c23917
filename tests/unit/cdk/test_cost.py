"""The arithmetic of the cost page, against sums done by hand."""

from pkgutil import resolve_name

import pytest

from cdk_app import prices
from cdk_app.constructs.queries import MOST_EXPENSIVE
from cdk_app.docs.cost import PRICED, bill, total, usage_of
from cdk_app.docs.cost_page import ServiceCost, cost_page
from cdk_app.services.algoitny import workload as algoitny
from cdk_app.services.nbhd_city import workload as nbhd_city
from cdk_app.services.registry import SERVICES
from cdk_app.services.stock_track_record import workload as stock_track_record
from cdk_app.services.workloads import Dial, Scenario, Usage, Workload, gb_seconds
from cdk_app.services.yoto_smart_stream import workload as yoto

REQUEST = Dial("request", Usage(http_requests=1, invocations=1, read_units=4))
UPLOAD = Dial("upload", Usage(write_units=10, stored_gb=0.001))
WORKLOAD = Workload((REQUEST, UPLOAD), (Scenario("A month", {"request": 1_000_000, "upload": 1_000}),))
STANDING = Usage(dashboards=1, secrets=2)


def test_usage_is_linear_in_traffic():
    [month] = WORKLOAD.scenarios
    assert usage_of(STANDING, WORKLOAD, month) == Usage(
        http_requests=1_000_000,
        invocations=1_000_000,
        read_units=4_000_000,
        write_units=10_000,
        stored_gb=1.0,
        dashboards=1,
        secrets=2,
    )


def test_a_bill_is_quantity_times_price():
    lines = dict(bill(Usage(http_requests=3_000_000, read_units=8_000_000, secrets=2)))
    assert lines == pytest.approx(
        {"HTTP API request": 3.00, "DynamoDB read request unit": 1.00, "Secrets Manager secret": 0.80}
    )


def test_what_is_stored_costs_storage_and_recovery():
    assert total(Usage(stored_gb=10)) == pytest.approx(10 * 0.25 + 10 * 0.20)


def test_what_is_not_used_is_not_on_the_bill():
    assert list(bill(Usage())) == []


def test_a_month_without_traffic_costs_what_stands():
    assert total(usage_of(STANDING, WORKLOAD, Scenario("Empty", {}))) == pytest.approx(3.00 + 0.80)


def test_traffic_that_no_dial_describes_is_refused():
    with pytest.raises(ValueError, match="downloads"):
        usage_of(STANDING, WORKLOAD, Scenario("Odd", {"downloads": 1}))


@pytest.mark.parametrize(
    ("memory_mb", "cpu_ms", "waited_ms", "expected"),
    [
        (1024, 0, 1_000, 1.0),
        (512, 0, 1_000, 0.5),
        (1769, 1_000, 0, 1769 / 1024),
        (512, 100, 0, 100 / 1000 * 1769 / 512 * 0.5),  # the same work takes longer on less of a core
        (3538, 1_000, 0, 3538 / 1024),  # one thread gains nothing from a second core
    ],
)
def test_a_function_is_billed_for_memory_and_time(memory_mb, cpu_ms, waited_ms, expected):
    assert gb_seconds(memory_mb=memory_mb, cpu_ms=cpu_ms, waited_ms=waited_ms) == pytest.approx(expected)


def test_every_quantity_has_a_price():
    assert set(PRICED) == set(Usage.__dataclass_fields__)


def test_every_price_has_a_source_and_none_is_from_the_future():
    for price in prices.PRICES:
        assert price.usd > 0
        assert price.page.startswith("https://aws.amazon.com/"), price.name
        assert price.read_in.startswith("https://"), price.name
        assert price.stated is None or price.stated <= prices.LOOKED_UP, price.name


def test_every_price_that_is_used_is_in_the_list():
    used = {price for asked in PRICED.values() for price in asked}
    assert used <= set(prices.PRICES)
    assert len({price.name for price in prices.PRICES}) == len(prices.PRICES)


def test_the_price_of_one_is_the_price_of_a_million_divided():
    assert f"{prices.DYNAMODB_READ_UNIT.each:f}" == "0.000000125"


def test_the_page_shows_each_scenario_and_its_formula():
    page = cost_page([ServiceCost("Sample", STANDING, WORKLOAD)])
    # 1.00 for the API, 0.20 for Lambda, 0.50 for reads, 0.00625 for writes, 0.45 for a GB, 3.80 standing
    assert "| **a month** | **5.96** |" in page
    assert "dollars a month = 3.80\n      + 0.0017 x requests / 1000\n      + 0.4562 x uploads / 1000\n" in page
    assert "- A month: CloudWatch dashboard 50%;" in page


def test_a_service_without_a_described_workload_shows_what_stands():
    page = cost_page([ServiceCost("New", STANDING, None)])
    assert "## New" in page
    assert "| **a month** |  |  | **3.80** |" in page
    assert "Your own traffic" not in page


def test_what_a_month_uses_whatever_its_traffic_is_counted_once():
    month = Scenario("Noisy", {"request": 2}, also=Usage(custom_metrics=3))
    assert usage_of(STANDING, WORKLOAD, month).custom_metrics == 3


@pytest.mark.parametrize(
    "mix",
    [
        stock_track_record.MIX,
        *(nbhd_city.MIX, nbhd_city.JOINS_AND_LEAVES),
        *(algoitny.MIX, algoitny.RUNS, algoitny.COUNTED),
        yoto.MIX,
    ],
)
def test_a_mix_of_requests_is_whole(mix):
    assert sum(mix.values()) == pytest.approx(1)


def test_every_workload_has_scenarios_that_its_dials_describe():
    for service in SERVICES:
        assert service.workload, "true of the services there are; the page can do without"
        workload = resolve_name(service.workload)()
        costs = [total(usage_of(Usage(), workload, scenario)) for scenario in workload.scenarios]
        assert costs == sorted(costs)
        assert all(cost > 0 for cost in costs)


def test_a_scan_reads_every_text_of_a_library():
    assert yoto.scanned_units(500) == 750
    assert "750 read units for each list, where a page of 100 costs 6 here" in yoto.workload().assumptions


def test_a_plan_s_figures_stand_beside_what_they_imply():
    page = " ".join(algoitny.workload().assumptions.split())
    for said in (
        "storage $33.75, GSI1 $15.00, GSI2 $8.50, reads $90.00, writes $36.00, together $183.25",
        "$164 is 37% below $261",
        "$261 is 59% above $164, and 42% above the $183.25",
        "135 GB, or 5 million logs a day",
        "planned at 0.5 read units and takes 2.5",
        "| short names of attributes, of all storage | 40% | 22% |",
    ):
        assert said in page


def test_the_most_expensive_requests_weigh_a_write_as_the_price_list_does():
    ratio = prices.DYNAMODB_WRITE_UNIT.each / prices.DYNAMODB_READ_UNIT.each
    assert f"read_units + {ratio.normalize():f} * write_units" in MOST_EXPENSIVE.text
