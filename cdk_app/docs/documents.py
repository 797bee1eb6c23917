"""Which documents are computed, where they are and what they should say.

Two kinds. Those from declarations (`TABLES.md` and key diagrams) need nothing but Python, so `--check` looks at them in
`make check`. Those from templates (architecture diagrams and the cost page) need the assembly of `prod`, which takes
several seconds to synthesise; tests/infra looks at them on the assembly that it has anyway.
"""

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Final

from cdk_app.docs.architecture import architecture_of
from cdk_app.docs.architecture_picture import architecture_svg
from cdk_app.docs.cost_page import ServiceCost, cost_page
from cdk_app.docs.key_picture import key_svg
from cdk_app.docs.standing import standing_usage
from cdk_app.docs.table_pages import tables_markdown
from cdk_app.docs.templates import Templates, read_templates
from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Service
from lambda_src.dynamo.schema import Table

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
ENVIRONMENT: Final = "prod"  # the one that is described


def from_declarations() -> Mapping[Path, str]:
    """Documents computed from `tables.py` of every service."""
    texts: dict[Path, str] = {}
    for service in SERVICES:
        texts[ROOT / "lambda_src" / "services" / service.package / "TABLES.md"] = _tables_page(service)
        texts |= {_key_diagram(service, table): key_svg(table) for table in service.tables}
    return texts


def from_templates(assembly: Path) -> Mapping[Path, str]:
    """Documents computed from the cloud assembly of `prod`. Raises LayoutFailed without the Node of set-up."""
    texts: dict[Path, str] = {}
    costs = []
    for service in SERVICES:
        templates = _templates_of(service, assembly)
        texts[DOCS / "architecture" / f"{service.package}.svg"] = architecture_svg(
            architecture_of(service.title, templates)
        )
        workload = resolve_name(service.workload)() if service.workload else None
        costs.append(ServiceCost(service.title, standing_usage(templates), workload))
    return {**texts, DOCS / "cost.md": cost_page(costs)}


def _templates_of(service: Service, assembly: Path) -> Templates:
    """The two templates of a service in `prod`."""
    return read_templates(assembly, environment=ENVIRONMENT, stacks=service.stack_names(ENVIRONMENT))


def outdated(documents: Mapping[Path, str]) -> list[Path]:
    """Documents that do not say what they should."""
    return [path for path, text in documents.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def write(documents: Mapping[Path, str]) -> None:
    """Put every document where it belongs."""
    for path, text in documents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _tables_page(service: Service) -> str:
    """`TABLES.md`, with the key diagram of each table below its heading."""
    text = tables_markdown(service.tables, service.title)
    for table in service.tables:
        heading = f"## `{table.base_name}-<environment>`\n"
        address = f"../../../docs/tables/{_key_diagram(service, table).name}"
        text = text.replace(heading, f"{heading}\n![Keys of {table.base_name}]({address})\n")
    return text


def _key_diagram(service: Service, table: Table) -> Path:
    return DOCS / "tables" / f"{service.package}-{table.name}.svg"
