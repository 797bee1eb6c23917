"""From what synthesis wrote to what rules read."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cdk_app.environments import environment_named
from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Service
from tests.infra.gates.model import Asset, Deployment, Stack, released_stacks
from tests.infra.gates.promises import promises_of
from tests.infra.variants import VARIANTS
from tests.support.assembly import ROOT, Assembly

RELEASED = ROOT / "tests" / "infra" / "released"
OUR_SOURCES = "lambda_src/"


def deployment_of(assembly: Assembly, services: Sequence[Service] = SERVICES) -> Deployment:
    """Everything that rules may look at, for one environment or variant, and the services in it."""
    stacks = {
        name: Stack(
            name=name,
            full_name=assembly.full_name(name),
            body=json.loads(assembly.templates[name].path.read_text(encoding="utf-8")),
            is_protected=bool(manifest["properties"].get("terminationProtection")),
        )
        for name, manifest in assembly.stacks.items()
    }
    return Deployment(
        environment=VARIANTS.get(assembly.folder.name) or environment_named(assembly.environment),
        stacks=stacks,
        assets=dict(_assets(assembly)),
        released=released_stacks(RELEASED / assembly.environment),
        declared=tuple(table for service in services for table in service.tables),
        services=tuple(services),
        promises={service.package: promises_of(service.package) for service in services},
    )


def _assets(assembly: Assembly) -> Iterator[tuple[str, Asset]]:
    for template in assembly.templates.values():
        manifest = template.path.with_name(template.path.name.replace(".template.json", ".assets.json"))
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        for content_hash, file in files.items():
            path = manifest.parent / file["source"]["path"]
            if path.suffix == ".zip":
                yield content_hash, _read(path)


def _read(archive: Path) -> Asset:
    with zipfile.ZipFile(archive) as files:
        names = frozenset(files.namelist())
        ours = sorted(name for name in names if name.startswith(OUR_SOURCES) and name.endswith(".py"))
        return Asset(names, "\n".join(files.read(name).decode() for name in ours))
