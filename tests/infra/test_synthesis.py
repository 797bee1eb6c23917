"""Synthesis: a pure function of the repository, and one that stops at what the policy checks find."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from cdk_app.operations.supply_chain.python_packages import packages_of
from cdk_app.services.registry import SERVICES
from tests.support.assembly import ROOT, Assembly, run_python, synthesise
from tests.support.engines import CDK, NODE_PACKAGES, installed

OF_TESTS = (f"tests/infra/{name}.py" for name in ("synthesise", "variants"))
SOURCES = ("app.py", "cdk.json", "cdk_app", "lambda_src", *OF_TESTS)


def cdk_variables(out: Path, **context: object) -> dict[str, str]:
    """What the CDK CLI tells an app: where to write, and the context of `cdk.json` and `-c`."""
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps({**flags, **context})}


def checkout(folder: Path) -> Path:
    """A second copy of the repository, with the wheelhouse but without anything cached."""
    for source in SOURCES:
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, folder / source)
        else:
            shutil.copyfile(ROOT / source, folder / source)
    (folder / ".wheelhouse").symlink_to(ROOT / ".wheelhouse")
    return folder


@pytest.mark.parametrize(
    "names", [("prod",), pytest.param(("dev", "staging", "prod"), marks=pytest.mark.soak)], ids=len
)
def test_another_folder_gives_the_same_bytes(assemblies, tmp_path, names):
    """Templates, and the asset hashes inside them, and the zip itself."""
    synthesise(tmp_path / "out", *names, root=checkout(tmp_path / "another" / "place"))
    for name in names:
        here, there = assemblies[name], Assembly(name, tmp_path / "out" / name)
        assert here.templates.keys() == there.templates.keys()
        for stack, template in here.templates.items():
            assert template.path.read_bytes() == there.templates[stack].path.read_bytes(), (name, stack)
        bundles = list(here.folder.glob("asset.*.zip"))
        assert len(bundles) == len(SERVICES)
        for bundle in bundles:
            assert bundle.read_bytes() == (there.folder / bundle.name).read_bytes()


def test_the_app_refuses_an_environment_nobody_described(tmp_path):
    done = run_python("app.py", variables=cdk_variables(tmp_path, environment="production"))
    assert done.returncode != 0
    assert "choose one of: local, dev, staging, prod" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, "one sentence, no traceback"


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"enable_mqtt": "maybe"}, "enable_mqtt is 'maybe'; it takes one of: true, 1, yes, on, false, 0, no, off"),
        ({"environment": "local", "enable_cloudfront": True}, "local: the local cloud has no CloudFront"),
    ],
)
def test_the_app_refuses_a_flag_that_it_cannot_follow(tmp_path, context, said):
    done = run_python("app.py", variables=cdk_variables(tmp_path, **context))
    assert done.returncode != 0
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, "one sentence, no traceback"


def test_flags_are_taken_as_text_and_as_json_and_warn_of_what_is_missing(tmp_path):
    context = {"environment": "prod", "enable_mqtt": "yes", "enable_cloudfront": True}
    done = run_python("app.py", variables=cdk_variables(tmp_path, **context))
    assert done.returncode == 0, done.stderr
    assert "enable_mqtt has no effect because yoto_client_id is not set" in done.stdout + done.stderr
    assert "enable_cloudfront needs a key that signs addresses of files" in done.stdout + done.stderr
    app = Assembly("prod", tmp_path).templates["YotoSmartStreamApp"]
    assert len(app.of_type("AWS::CloudFront::Distribution")) == 1
    assert app.body["Outputs"]["PlayerEventsEnabled"]["Value"] == "false"
    assert not [each["Type"] for each in app.body["Resources"].values() if "::EC2::" in each["Type"]]
    assert not [each["Type"] for each in app.body["Resources"].values() if "::ECS::" in each["Type"]]


@pytest.mark.parametrize(
    ("pattern", "services"), [([], [service.name for service in SERVICES]), (["dev-NbhdCity*"], ["NbhdCity"])]
)
def test_the_cli_finds_the_stacks_by_their_names_in_cloudformation(assemblies, pattern, services):
    """As in every CDK app: `cdk list`, `deploy --all`, `deploy 'dev-NbhdCity*'`."""
    command = [installed(CDK, NODE_PACKAGES), "list", "--app", str(assemblies["dev"].folder), *pattern]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": path, "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(f"dev-{name}{part}" for name in services for part in ("Data", "App"))


def test_the_app_means_dev_and_asks_nothing_but_its_lock_and_its_context(assemblies, tmp_path):
    """No environment named, only what `requirements.txt` names, and a shell full of variables: the same templates.

    So stand-ins, samples and checks of services stay unloaded: a deployment does not install what they need.
    """
    shell = {"DYNAMODB_ENDPOINT": "http://localhost:1", "MAX_CHANNELS": "7", "FRONTEND_URL": "https://other.example"}
    locked = {"LOCKED": " ".join(packages_of(ROOT / "requirements.txt"))}
    program = """
import os, re, runpy, sys
from importlib.metadata import packages_distributions

LOCKED = set(os.environ["LOCKED"].split())

class Refuse:
    refused = {
        package
        for package, owners in packages_distributions().items()
        if not LOCKED & {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners}
    }

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.refused:
            raise ModuleNotFoundError(f"requirements.txt does not install {name}", name=name)

sys.meta_path.insert(0, Refuse())
assert {"httpx", "aws_cdk", "yaml"} & Refuse.refused == {"yaml"}
for name in ("pytest", "jwt", "typer", "uvicorn", "dotenv", "sqlalchemy"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(f"{name} could be imported")
sys.path.insert(0, os.getcwd())
runpy.run_path("app.py", run_name="__main__")
"""
    done = run_python("-c", program, variables={**cdk_variables(tmp_path), **locked, **shell})
    assert done.returncode == 0, done.stderr
    written = Assembly("dev", tmp_path)
    assert written.templates.keys() == assemblies["dev"].templates.keys()
    for stack, template in assemblies["dev"].templates.items():
        assert written.templates[stack].body == template.body


def test_feature_flags_are_those_that_the_locked_cdk_recommends():
    """Set on day one: changing them later changes templates. Renew `cdk.json` together with aws-cdk-lib, on purpose."""
    found = find_spec("aws_cdk")
    assert found is not None
    assert found.origin is not None
    [package] = (Path(found.origin).parent / "_jsii").glob("*.jsii.tgz")
    with tarfile.open(package) as files:
        listed = files.extractfile("package/recommended-feature-flags.json")
        assert listed is not None
        recommended = json.load(listed)
    assert json.loads((ROOT / "cdk.json").read_text())["context"] == recommended


def test_no_account_region_or_address_is_in_a_template(assembly):
    for name, template in assembly.templates.items():
        text = template.path.read_text()
        assert "us-east-1" not in text, name
        assert not re.search(r"[\w.+-]+@[\w-]+\.\w", text), f"an e-mail address in {name}"


CARELESS = """
from dataclasses import replace
from aws_cdk import App, Stack
from cdk_app.constructs.service_bucket import ServiceBucket
from cdk_app.environments import PROD
from cdk_app.services.nbhd_city import stacks as nbhd_city
from cdk_app.stacks import add_stacks
from lambda_src.services.yoto_smart_stream.tables import AUDIO_BUCKET

shortcuts = nbhd_city.LOCAL_SIGN_IN
on_a_laptop = replace(PROD, on_this_machine=True, rollout="all_at_once")
for name, value in shortcuts.items():
    nbhd_city.LOCAL_SIGN_IN = {name: value}
    try:
        add_stacks(App(), on_a_laptop)
    except ValueError as refused:
        print(type(refused).__name__, str(refused).replace(chr(10), " "))
nbhd_city.LOCAL_SIGN_IN = {}
try:
    add_stacks(App(), replace(on_a_laptop, callback_mode="token"))
except ValueError as refused:
    print(type(refused).__name__, str(refused).replace(chr(10), " "))
try:
    replace(PROD, web_origins={"NbhdCity": ("*",)})
except Exception as refused:
    print(type(refused).__name__, refused)
try:
    add_stacks(App(), replace(PROD, maintenance={"nbhd_city": "full"}))
except ValueError as refused:
    print(type(refused).__name__, refused)
try:
    add_stacks(App(), replace(PROD, media_public_keys={"yoto_smart_stream": ()}))
except ValueError as refused:
    print(type(refused).__name__, refused)
try:
    add_stacks(App(), replace(PROD, google_client_ids={"algoitny": ()}))
except ValueError as refused:
    print(type(refused).__name__, refused)
try:
    replace(on_a_laptop, enable_cloudfront=True)
except ValueError as refused:
    print(type(refused).__name__, refused)
origins = PROD.origins_of("YotoSmartStream")
audio = ServiceBucket(Stack(App(), "Kept"), "Audio", bucket=AUDIO_BUCKET, origins=origins, environment=PROD)
try:
    audio.created_below("upload")
except ValueError as refused:
    print(type(refused).__name__, refused)
"""


def test_production_with_the_shortcuts_of_a_laptop_or_open_to_every_page_is_not_synthesised():
    done = run_python("-c", CARELESS)
    assert done.returncode == 0, done.stderr
    refusals = done.stdout.splitlines()
    said = (
        "OAUTH_PROFILE",
        "ALLOW_INSECURE_UPSTREAMS",
        "TEST_LOGIN_ENABLED",
        "CALLBACK_MODE=token",
        "`*` would let every page call the API",
        "`maintenance` names nbhd_city, no service",
        "`media_public_keys` names yoto_smart_stream, no service",
        "`google_client_ids` names algoitny, no service",
        "the local cloud has no CloudFront; leave enable_cloudfront out",
        "Audio declares no objects below upload",
    )
    assert len(refusals) == len(said)
    for refusal, reason in zip(refusals, said, strict=True):
        assert reason in refusal
