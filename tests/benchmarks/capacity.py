"""Requests and capacity units of every service's access patterns, beside what they replace, on one engine in one run.

    python -m tests.benchmarks.capacity

Fills DynamoDB Local with an example for each service, calls the endpoints over HTTP, and lets a reference answer the
same questions from the same tables. Writes `docs/benchmarks/capacity.md` for people and `capacity.json` for the cost
page. Needs `make setup`; takes about two minutes.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Final

from cdk_app.local.dynamodb_local import DynamoDBLocal
from tests.benchmarks import (
    algoitny_capacity,
    nbhd_city_capacity,
    reports,
    track_record_capacity,
    yoto_smart_stream_capacity,
)
from tests.benchmarks.comparing import Section
from tests.support.ports import free_port

SECTIONS: Final[tuple[Callable[[str], Section], ...]] = (
    track_record_capacity.section,
    nbhd_city_capacity.section,
    algoitny_capacity.section,
    yoto_smart_stream_capacity.section,
)


def measured() -> list[Section]:
    """What there is to say of each service, from one engine."""
    engine = DynamoDBLocal(free_port())
    try:
        engine.start()
        engine.wait_until_ready()
        return [section(engine.endpoint_url) for section in SECTIONS]
    finally:
        engine.stop()


def report(sections: Iterable[Section]) -> str:
    texts = "\n".join(section.text for section in sections)
    return f"""# Requests and capacity units

Each endpoint is called once over HTTP. Where a service replaces another algorithm, that one then answers the same
question from the same tables, and both have to find what the example holds. Made by `make bench-capacity`.

{texts}
## How to read it

- Figures are those DynamoDB Local states in its answers (`ReturnConsumedCapacity`); AWS counts the same way. Nothing of
  this ran on AWS.
- Units of transactions are computed from the items before and after by AWS's rule: DynamoDB Local states 8 for each.
- It states nothing for a Query that finds nothing, nor for a condition that fails. AWS bills
  [what is missing](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html) like a
  small item.
- CPU time is that of one call in one process with both ends of HTTP, so it is more than a function alone would need.

{reports.circumstances(("boto3",))}
"""


def main() -> None:
    sections = measured()
    text = report(sections)
    path = reports.publish("capacity", text)
    reports.publish_data("capacity", {"services": {section.package: section.figures for section in sections}})
    sys.stdout.write(f"{text}\n{path.name} written\n")


if __name__ == "__main__":
    main()
