"""What people read agrees with what there is."""

import re
from pathlib import Path

from cdk_app.docs import outdated
from cdk_app.local.layout import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_generated_documents_are_current():
    assert outdated() == []


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
