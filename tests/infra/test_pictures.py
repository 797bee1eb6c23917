"""Documents that are computed from templates are current, and depend on what is deployed alone."""

import json
import re
import shutil

import pytest

from cdk_app.docs.documents import ROOT, from_templates
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
        *("AWS::SecretsManager::Secret", "AWS::Events::Rule", "AWS::S3::Bucket"),
    )
    for service in SERVICES:
        templates = [prod.templates[f"{service.name}{part}"] for part in ("Data", "App")]
        resources = [name for template in templates for kind in drawn for name in template.of_type(kind)]
        titles = parsed(pictures[service.package]).findall(f".//{SVG}text[@class='bold']")
        # beside these: the API, the topic, all alarms, the operator
        assert len(titles) == len(resources) + 4, service.name


def test_a_picture_says_what_is_done_with_objects_and_how_events_come(pictures):
    said = description(pictures["yoto_smart_stream"])
    for sentence in (
        "Audio bucket feeds Uploaded",
        "Uploaded sends to Transcription queue",
        "Transcribed sends to Transcription queue",
        "(after 5 tries, or by Uploaded, or by Transcribed, or by Worker function)",
        "Worker function reads and writes (uploads/, media/, transcripts/raw/) Audio bucket",
    ):
        assert sentence in said


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
