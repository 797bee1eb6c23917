"""A feature asks another one's service, rules and schemas, and never its repository or its routes."""

import re
from collections.abc import Iterator
from pathlib import Path

SERVICES = Path("lambda_src/services")
INNER = re.compile(
    r"^\s*from (?P<feature>lambda_src\.services\.\w+\.\w+)(\.| import )(repository|routes)\b", re.MULTILINE
)


def inner_imports(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, feature) for each import of a repository or routes by a module of some feature."""
    for file in folder.glob("*/*/*.py"):
        for match in INNER.finditer(file.read_text()):
            yield str(file), match["feature"]


def test_features_keep_out_of_each_others_repositories_and_routes():
    seen = list(inner_imports(SERVICES))
    assert seen, "features import their own repositories, so this test looks at nothing"
    foreign = [(file, feature) for file, feature in seen if feature.replace(".", "/") != str(Path(file).parent)]
    assert foreign == []
