"""What people read agrees with what there is."""

import re
from pathlib import Path

from cdk_app.docs.documents import from_declarations, outdated
from cdk_app.local.layout import ROOT
from cdk_app.services.registry import SERVICES

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


READS = {"GetItem", "BatchGetItem", "Query"}


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


def test_every_make_target_the_readme_names_exists():
    blocks = re.findall(r"(?m)^make ((?:[a-z-]+ ?)+)", README) + re.findall(r"`make ((?:[a-z-]+ ?)+)[^`]*`", README)
    named = {target for block in blocks for target in block.split()}
    targets = set(re.findall(r"(?m)^([a-z-]+):.*##", MAKEFILE))
    assert {"run", "test", "synth", "deploy", "soak"} <= named
    assert named <= targets


def test_every_file_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not Path(ROOT, link).exists()] == []
