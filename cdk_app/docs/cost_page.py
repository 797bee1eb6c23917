"""`docs/cost.md`: what each service costs a month, how that is computed, and where the prices are from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cdk_app import prices
from cdk_app.docs.cost import PRICED, bill, total, usage_of
from cdk_app.docs.standing import POLL_SECONDS, POLLERS, SCHEDULED_SECONDS
from cdk_app.prices import PRICES, Price
from cdk_app.services.workloads import Usage, Workload, shared_assumptions

_FIGURE: Final = re.compile(r"\*{0,2}[\d,.]+\*{0,2}")


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """workload: None where nobody has described the traffic yet; what it costs without any is known all the same."""

    title: str
    standing: Usage
    workload: Workload | None


def cost_page(services: Sequence[ServiceCost]) -> str:
    """The whole page."""
    parts = [_head(), *(_service(service) for service in services), _assumptions(), _left_out(), _price_list()]
    return "\n".join(parts)


def _head() -> str:
    return f"""# What it costs

Computed by `make docs` from the templates of `prod`, from measured capacity units and from AWS's on-demand list prices
of {prices.REGION} in US dollars, looked up on {prices.LOOKED_UP}. Free tiers are ignored, so a small account pays less.
No bill of AWS was compared with this page: nothing here ran there yet.
"""


def _service(service: ServiceCost) -> str:
    parts = [f"## {service.title}\n"]
    if service.workload is not None:
        parts += [_months(service.standing, service.workload), _formula(service.standing, service.workload)]
    parts.append(_standing(service.standing))
    if service.workload is not None:
        parts.append(f"### What was measured, and what was assumed\n\n{service.workload.assumptions}")
    return "\n".join(parts)


def _months(standing: Usage, workload: Workload) -> str:
    """A column for each scenario, a line for each price."""
    usages = [usage_of(standing, workload, scenario) for scenario in workload.scenarios]
    bills = [dict(bill(usage)) for usage in usages]
    names = [price.name for price in _in_order() if any(price.name in one for one in bills)]
    counts = [
        (f"{dial.name}s", *(f"{scenario.counts.get(dial.name, 0):,.0f}" for scenario in workload.scenarios))
        for dial in workload.dials
    ]
    lines = [(name, *(_usd(one.get(name, 0)) for one in bills)) for name in names]
    sums = [("**a month**", *(f"**{_usd(total(usage))}**" for usage in usages))]
    head = ("", *(scenario.title for scenario in workload.scenarios))
    verdicts = "".join(
        f"- {scenario.title}: {_dominant(one)}\n" for scenario, one in zip(workload.scenarios, bills, strict=True)
    )
    return "\n".join(
        [
            "### Three months\n",
            "Traffic of a month:\n",
            _grid(head, counts),
            "US dollars:\n",
            _grid(head, [*lines, *sums]),
            "What dominates:\n",
            verdicts,
        ]
    )


def _dominant(bill_by_name: dict[str, float]) -> str:
    whole = sum(bill_by_name.values())
    largest = sorted(bill_by_name.items(), key=lambda line: -line[1])[:3]
    return "; ".join(f"{name} {usd / whole:.0%}" for name, usd in largest) + "."


def _formula(standing: Usage, workload: Workload) -> str:
    """One price per unit of traffic, so that any month is a sum of products."""
    terms = "".join(f"      + {total(dial.usage) * 1000:.4f} x {dial.name}s / 1000\n" for dial in workload.dials)
    quantities = [name for name in PRICED if any(getattr(dial.usage, name) for dial in workload.dials)]
    rows = [
        (name.replace("_", " "), *(_figure(getattr(dial.usage, name)) for dial in workload.dials))
        for name in quantities
    ]
    dollars = ("**US dollars for 1,000**", *(f"**{total(dial.usage) * 1000:.4f}**" for dial in workload.dials))
    return "\n".join(
        [
            "### Your own traffic\n",
            f"    dollars a month = {total(standing):.2f}\n{terms}",
            "Each factor is the sum of what one unit uses, times its price:\n",
            _grid(("One unit uses", *(dial.name for dial in workload.dials)), [*rows, dollars]),
        ]
    )


def _standing(standing: Usage) -> str:
    rows = [
        (
            price.name,
            f"{getattr(standing, quantity):,.0f}",
            price.unit,
            _usd(getattr(standing, quantity) * float(price.each)),
        )
        for quantity, asked in PRICED.items()
        for price in asked
        if getattr(standing, quantity)
    ]
    return "\n".join(
        [
            "### Before the first request\n",
            "What the templates of `prod` hold, for a month without traffic:\n",
            _grid(
                ("", "quantity", "unit", "US dollars"), [*rows, ("**a month**", "", "", f"**{_usd(total(standing))}**")]
            ),
        ]
    )


def _assumptions() -> str:
    return f"""## Assumed of every service

{shared_assumptions()}- Lambda keeps {POLLERS} long polls of {POLL_SECONDS} s open at each queue that feeds a
  function; each empty answer is a billed request.
- A run of a schedule with nothing to do takes {SCHEDULED_SECONDS} s; one execution environment of each
  function is always warm and reads its secrets every five minutes; one published version has a snapshot.
"""


def _left_out() -> str:
    return """## Not counted

- Outside services, which bill on their own.
- Rules of EventBridge and the events of buckets, e-mails of SNS, CodeDeploy, storage of logs and bundles, restores,
  Logs Insights queries, messages that fail and are tried again, taxes and support: none of these was looked up.
- Steps of prices at high volume, and Savings Plans.
"""


def _price_list() -> str:
    rows = [
        (
            price.name,
            f"{price.usd:f}",
            f"{price.quantity:,} {price.unit}s" if price.quantity != 1 else price.unit,
            f"[AWS]({price.page})",
            f"[{price.stated or 'undated'}]({price.read_in})",
            price.note,
        )
        for price in PRICES
    ]
    return "\n".join(
        [
            "## Prices\n",
            f"{prices.REGION}, read on {prices.LOOKED_UP}, kept in [prices.py](../cdk_app/prices.py). If they differ,",
            "AWS's page of *today* is right. It shows most figures only in a browser, so each was read in text at the",
            "address of *read in*, named by the date which that page gives.\n",
            _grid(("Price", "US dollars", "for", "today", "read in", "note"), rows),
        ]
    )


def _in_order() -> list[Price]:
    return [price for asked in PRICED.values() for price in asked]


def _usd(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.005 or amount == 0 else "< 0.01"


def _figure(quantity: float) -> str:
    return f"{quantity:.3g}" if quantity else ""


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns of figures are aligned to the right."""
    figures = [any(_FIGURE.fullmatch(line[column]) for line in rows) for column in range(len(head))]
    rule = ["---:" if is_figure else "---" for is_figure in figures]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rows))
