"""The real auditors against a vulnerability service on this machine: one that knows, one that does not, and none."""

import gzip
import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from cdk_app.operations.supply_chain import node_packages, python_packages
from cdk_app.operations.supply_chain.__main__ import app
from cdk_app.operations.supply_chain.answer import COULD_NOT_LOOK, VULNERABLE, Advisory, Answer, CouldNotLook
from tests.support.http_server import ThreadedServer
from tests.support.ports import free_port

LOCK = """\
six==1.17.0 \\
    --hash=sha256:4721f391ed90541fddacab5a946aa0d3dc7d27b2e1e8eda2be8970586c3274a5
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6
"""
MANIFEST = {"name": "ours", "devDependencies": {"ms": "2.1.3"}}
NODE_LOCK = {
    "name": "ours",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {"": MANIFEST, "node_modules/ms": {"version": "2.1.3", "dev": True}},
}


class Vulnerabilities:
    """Speaks as OSV and as the npm registry do. known: names of vulnerable packages. status: of every answer."""

    def __init__(self, *known: str, status: int = 200) -> None:
        self.known, self.status, self.asked = known, status, set[str]()
        bulk = "/-/npm/v1/security/advisories/bulk"
        routes = [Route("/v1/query", self._osv, methods=["POST"]), Route(bulk, self._npm, methods=["POST"])]
        self.app = Starlette(routes=routes)

    async def _osv(self, request: Request) -> Response:
        """https://google.github.io/osv.dev/post-v1-query/"""
        package = (await request.json())["package"]
        assert package["ecosystem"] == "PyPI"
        name = package["name"]
        self.asked.add(name)
        everything = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": everything}]
        vulnerability = {"id": f"PYSEC-{name}", "schema_version": "1.7.0", "summary": "bad", "affected": affected}
        return JSONResponse({"vulns": [vulnerability]} if name in self.known else {}, status_code=self.status)

    async def _npm(self, request: Request) -> Response:
        """https://docs.npmjs.com/cli/v11/commands/npm-audit#bulk-advisory-endpoint"""
        body = await request.body()
        names = json.loads(gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body)
        self.asked.update(names)
        found = {
            name: [
                {
                    "id": 1,
                    "url": f"https://github.com/advisories/GHSA-{name}",
                    "title": "bad",
                    "severity": "high",
                    "vulnerable_versions": "*",
                    "cwe": [],
                    "cvss": {"score": 7, "vectorString": None},
                }
            ]
            for name in names
            if name in self.known
        }
        return JSONResponse(found, status_code=self.status)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(LOCK)
    return path


@pytest.fixture
def node_project(tmp_path: Path) -> Path:
    (tmp_path / "package.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "package-lock.json").write_text(json.dumps(NODE_LOCK))
    return tmp_path


@pytest.fixture
def asking(monkeypatch):
    """Point both auditors to an address."""

    def point(url: str) -> None:
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"{url}/v1/query")
        monkeypatch.setenv("npm_config_registry", url)
        monkeypatch.setenv("npm_config_fetch_retries", "0")

    return point


def test_a_clean_python_lock_is_clean_for_every_machine(lock, asking):
    service = Vulnerabilities("pycrypto")
    with ThreadedServer(service.app) as server:
        asking(server.url)
        assert python_packages.audit(lock) == Answer("requirements.txt", 2, ())
    assert service.asked == {"six", "colorama", "pycrypto"}, "also what only Windows installs"


def test_a_vulnerable_python_package_is_found(lock, asking):
    with ThreadedServer(Vulnerabilities("pycrypto", "six").app) as server:
        asking(server.url)
        assert python_packages.audit(lock).advisories == (Advisory("six", "1.17.0", ("PYSEC-six",)),)


def test_a_clean_node_lock_is_clean(node_project, asking):
    service = Vulnerabilities("growl")
    with ThreadedServer(service.app) as server:
        asking(server.url)
        assert node_packages.audit(node_project) == Answer("package-lock.json", 1, ())
    assert service.asked == {"ms", "growl"}


def test_a_vulnerable_node_package_is_found(node_project, asking):
    with ThreadedServer(Vulnerabilities("growl", "ms").app) as server:
        asking(server.url)
        assert node_packages.audit(node_project).advisories == (Advisory("ms", "2.1.3", ("GHSA-ms",)),)


def test_a_service_that_knows_nothing_is_not_believed(lock, node_project, asking):
    with ThreadedServer(Vulnerabilities().app) as server:
        asking(server.url)
        with pytest.raises(CouldNotLook, match="knows nothing against pycrypto"):
            python_packages.audit(lock)
        with pytest.raises(CouldNotLook, match="knows nothing against growl"):
            node_packages.audit(node_project)


def test_a_service_that_fails_is_no_answer(lock, node_project, asking):
    with ThreadedServer(Vulnerabilities("pycrypto", "growl", status=503).app) as server:
        asking(server.url)
        with pytest.raises(CouldNotLook, match="pip-audit ended with 1"):
            python_packages.audit(lock)
        with pytest.raises(CouldNotLook, match="503"):
            node_packages.audit(node_project)


def test_a_dead_network_is_no_answer(lock, node_project, asking):
    asking(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(CouldNotLook, match="pip-audit ended with 1"):
        python_packages.audit(lock)
    with pytest.raises(CouldNotLook, match="ECONNREFUSED"):
        node_packages.audit(node_project)


def test_the_command_says_of_every_lock_that_it_could_not_look(asking, monkeypatch):
    monkeypatch.setattr(python_packages, "LOCKS", ("cdk_app/local/requirements.txt",))
    asking(f"http://127.0.0.1:{free_port()}")
    done = CliRunner().invoke(app, ["audit"])
    assert done.exit_code == COULD_NOT_LOOK
    assert re.findall(r"(\S+): COULD NOT LOOK", done.output) == ["cdk_app/local/requirements.txt", "package-lock.json"]


def test_the_command_names_what_it_found(asking, monkeypatch):
    monkeypatch.setattr(python_packages, "LOCKS", ("cdk_app/local/requirements.txt",))
    with ThreadedServer(Vulnerabilities("pycrypto", "growl", "ministack").app) as server:
        asking(server.url)
        done = CliRunner().invoke(app, ["audit"])
    assert done.exit_code == VULNERABLE
    assert "1 known vulnerabilities\n  ministack 1." in done.output
    assert "package-lock.json: " in done.output
