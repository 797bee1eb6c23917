"""docs/migration.md, for whoever moves a database in, agrees with the commands there are."""

import re
from pathlib import Path

import typer

from cdk_app.local.layout import ROOT
from lambda_src.migration.cli import app
from lambda_src.migration.mappings.registry import MIGRATIONS
from lambda_src.migration.phases.cutover import MANUAL_STEPS

FOLDER = ROOT / "docs"
PAGE = (FOLDER / "migration.md").read_text(encoding="utf-8")


def commands_of(application: typer.Typer) -> set[str]:
    return set(getattr(typer.main.get_command(application), "commands"))  # noqa: B009 -- a group has them


def test_every_phase_is_in_the_table_and_no_other():
    rows = re.findall(r"(?m)^\| `([a-z0-9-]+)[^`]*` \|.*\|.*\|$", PAGE)
    assert set(rows) == commands_of(app)


def test_every_option_of_a_service_is_on_the_page():
    flags = {option.flag for migration in MIGRATIONS.values() for option in migration.options}
    assert {"--in", "--list-shards"} <= flags <= set(re.findall(r"`(--[a-z-]+)", PAGE))


def test_every_phase_that_is_called_exists():
    called = set(re.findall(r"PHASE=([a-z0-9-]+)", PAGE))
    assert called
    assert called <= commands_of(app)


def test_every_file_and_heading_it_links_to_exists():
    links = re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", PAGE)
    assert links
    for name, heading in links:
        path = FOLDER / name
        assert path.exists(), name
        assert not heading or heading in headings_of(path), heading


def headings_of(path: Path) -> set[str]:
    """Anchors as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_steps_for_people_stand_on_the_page_too():
    assert len(MANUAL_STEPS) == 5
    for word in ("read-only", "back the SQL database up", "stop_worker", "the one who decides", "14 days"):
        assert word in PAGE
