"""Documents that are computed from templates are current, and depend on what is deployed alone."""

import json
import re
import shutil

import pytest

from cdk_app.docs.architecture import architecture_of
from cdk_app.docs.architecture_picture import architecture_svg
from cdk_app.docs.documents import ROOT, from_templates
from cdk_app.docs.templates import read_templates
from cdk_app.services.registry import SERVICES
from tests.support.engines import GRAPHVIZ, NODE_PACKAGES, installed
from tests.support.svg import SVG, description, parsed

WIDEST = 1_200


@pytest.fixture(scope="module")
def documents(assemblies):
    installed(GRAPHVIZ, NODE_PACKAGES)
    return from_templates(assemblies["prod"].folder)


@pytest.fixture(scope="module")
def pictures(documents):
    return {path.stem: text for path, text in documents.items() if path.suffix == ".svg"}


def test_documents_from_templates_are_current(documents):
    old = [str(path.relative_to(ROOT)) for path, text in documents.items() if path.read_text(encoding="utf-8") != text]
    assert old == [], "run `make docs`"


def test_every_service_has_a_picture(pictures):
    assert set(pictures) == {service.package for service in SERVICES}


def test_every_function_queue_table_secret_and_api_is_drawn(pictures, prod):
    drawn = (
        *("AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::DynamoDB::GlobalTable"),
        *("AWS::SecretsManager::Secret", "AWS::Events::Rule"),
    )
    for service in SERVICES:
        templates = [prod.templates[f"{service.name}{part}"] for part in ("Data", "App")]
        resources = [name for template in templates for kind in drawn for name in template.of_type(kind)]
        titles = parsed(pictures[service.package]).findall(f".//{SVG}text[@class='bold']")
        # beside these: the API, the topic, all alarms, the operator
        assert len(titles) == len(resources) + 4, service.name


def test_a_service_with_a_bucket_fits_a_page_and_says_how_events_come(with_a_bucket):
    installed(GRAPHVIZ, NODE_PACKAGES)
    stacks = [f"prod-NbhdCity{part}" for part in ("Data", "App")]
    templates = read_templates(with_a_bucket["bucket-in-prod"].folder, environment="prod", stacks=stacks)
    svg = architecture_svg(architecture_of("With a bucket", templates))
    assert float(parsed(svg).attrib["width"]) <= WIDEST
    for said in (
        "Pictures bucket feeds Uploaded",
        "Uploaded sends to Tasks queue",
        "(after 5 tries, or by Uploaded, or by Worker function)",
        "Worker function reads and writes (uploads/, shown/large/) Pictures bucket",
    ):
        assert said in description(svg)


def test_a_picture_reads_in_the_dark_and_needs_nothing_from_elsewhere(pictures):
    for svg in pictures.values():
        assert parsed(svg).findtext(f"{SVG}title")
        assert description(svg)
        assert "prefers-color-scheme: dark" in svg
        assert "<script" not in svg
        assert "href" not in svg
        assert svg.count("http") == 1  # the name of SVG itself


def test_a_picture_fits_a_page(pictures):
    for svg in pictures.values():
        assert float(parsed(svg).attrib["width"]) <= WIDEST


def test_other_code_and_another_account_give_the_same_documents(documents, assemblies, tmp_path):
    copy = tmp_path / "assembly"
    shutil.copytree(assemblies["prod"].folder, copy, ignore=shutil.ignore_patterns("asset.*"))
    for path in copy.rglob("*.template.json"):
        changed = re.sub(r"[0-9a-f]{64}\.zip", "f" * 64 + ".zip", path.read_text(encoding="utf-8"))
        assert json.loads(changed)
        path.write_text(changed, encoding="utf-8")
    assert from_templates(copy) == documents
