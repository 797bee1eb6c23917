"""What people read agrees with what there is."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from cdk_app.docs.documents import from_declarations, outdated
from cdk_app.local.layout import ROOT, Layout
from cdk_app.services.registry import SERVICES
from lambda_src.runtime.http import DOCS_PATH
from lambda_src.runtime.routing import Recorded, Router

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
}
CONSOLE_PATHS = {"", "/", "/log"}
READS = {"GetItem", "BatchGetItem", "Query"}
ENTRY_POINTS = {"api", "archiver", "asgi", "stats", "worker"}


def test_documents_from_declarations_are_current():
    """Those from templates are looked at in tests/infra."""
    assert outdated(from_declarations()) == []


def test_every_pattern_that_reads_names_the_items_it_finds():
    """But for one that only asks whether the table answers, by a key that no item has."""
    patterns = [pattern for service in SERVICES for table in service.tables for pattern in table.patterns]
    patterns = [pattern for pattern in patterns if pattern.name != "probe_table"]
    assert [pattern.name for pattern in patterns if bool(pattern.reads) != bool(READS & set(pattern.operations))] == []


def test_every_picture_in_tables_md_exists():
    for service in SERVICES:
        page = ROOT / "lambda_src" / "services" / service.package / "TABLES.md"
        links = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        assert len(links) == len(service.tables)
        assert [link for link in links if not (page.parent / link).exists()] == []


# ---- what the pages tell a reader to do ------------------------------------------------------------------------------


def test_the_readme_begins_with_two_commands_and_the_plain_ones_behind_them():
    """`test_plain_commands` runs these, and `test_synthesis` at every run what they do, installing aside."""
    first, second, plain = re.findall(r"(?s)```sh\n(.*?)```", README)
    assert (first, second) == ("make run\n", "make test\n")
    assert [line.partition(" ")[0] for line in plain.splitlines()] == ["pip", "cdk", "cdk", "pip", "pytest"]


def test_every_make_target_that_a_page_names_exists():
    targets = set(re.findall(r"(?m)^([a-z-]+):.*##", MAKEFILE))
    named = {page: targets_in(text) for page, text in PAGES.items()}
    assert {page: found - targets for page, found in named.items() if not found <= targets} == {}
    # Every target but the one that lists them is explained somewhere.
    assert targets - set().union(*named.values()) == {"help"}


def targets_in(text: str) -> set[str]:
    """The targets of commands in blocks and inside sentences."""
    commands = re.findall(r"(?m)^ *make ((?:[a-z-]+ ?)+)", text) + re.findall(r"`make ((?:[a-z-]+ ?)+)[^`]*`", text)
    return {target for command in commands for target in command.split()}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_heading_that_a_page_links_to_exists(page):
    for link, heading in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", PAGES[page]):
        path = (ROOT / page).parent / link if link else ROOT / page
        assert path.exists(), link
        assert not heading or heading in headings_of(path), f"{link}#{heading}"


def headings_of(path: Path) -> set[str]:
    """Anchors as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/decisions.md"])
def test_every_path_that_a_page_for_developers_names_exists(page):
    named = re.findall(r"(?<![\w/.])((?:cdk_app|lambda_src|tests|docs)/[\w/.*-]+)", PAGES[page])
    assert [path for path in named if not any(ROOT.glob(path.rstrip("./")))] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_address_of_this_machine_that_a_page_names_is_served(page):
    """Addresses without a path of their own, such as those of the emulator, are none of it."""
    for port, path in re.findall(r"localhost:(8\d{3})(/[\w/{}.-]*)?", PAGES[page]):
        if int(port) == Layout().console_port:
            assert path in CONSOLE_PATHS
            continue
        for service in SERVICES:
            if service.local_port == int(port):
                assert path in {"", "/", DOCS_PATH, *(route.path for route in routes_of(service.package))}, path


def test_the_readme_counts_the_endpoints_of_each_service():
    """Those that tell what a service is, and whether it is well, are not counted."""
    for service in SERVICES:
        rows = re.findall(rf"(?m)^\| {re.escape(service.title)} .*$", README)
        assert len(rows) == 1, f"the README has no row for {service.title}"
        served = [route for route in routes_of(service.package) if route.path != "/" and "/health" not in route.path]
        assert f"| {len(served)} endpoints" in rows[0]


def routes_of(package: str) -> Iterator[Recorded]:
    """Every route of a service, also those that only some environments have."""
    service = import_module(f"lambda_src.services.{package}")
    for found in pkgutil.walk_packages(service.__path__, f"{service.__name__}."):
        if found.name.rpartition(".")[2] not in ENTRY_POINTS:  # to import an entry point is to start it
            for member in vars(import_module(found.name)).values():
                if isinstance(member, Router):
                    yield from member.routes
