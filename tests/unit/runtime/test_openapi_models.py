"""FastAPI's OpenAPI models, loaded lazily: in processes of their own, since ours has imported FastAPI long ago."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LOAD = "from lambda_src.runtime import openapi_models; openapi_models.load_lazily()"
APPLICATION = """
import json
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel

class Body(BaseModel):
    names: list[str]

class Answer(BaseModel):
    nested: Body | None = None

app = FastAPI()

@app.post("/things/{thing_id}")
def make(thing_id: int, body: Body, page: int = 1) -> Answer:
    return Answer(nested=body)

print(json.dumps({
    "document": app.openapi(),
    "openapi_is_built": OpenAPI.__pydantic_complete__,
    "own_is_built": Body.__pydantic_complete__,
}))
"""


def run(program: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def test_the_document_is_the_same_as_without_the_delay():
    lazy, eager = run(LOAD + APPLICATION), run(APPLICATION)

    assert lazy["document"] == eager["document"]
    assert lazy["document"]["paths"]


def test_openapi_models_wait_for_their_first_use_while_own_models_are_built_at_once():
    built = run(LOAD + APPLICATION.replace("app.openapi()", "None"))

    assert built == {"document": None, "openapi_is_built": False, "own_is_built": True}


def test_no_start_loads_the_checker_of_addresses_and_who_needs_it_can():
    found = run(
        LOAD
        + """
import json, sys, fastapi
early = "email_validator" in sys.modules
from email_validator import validate_email
normal = validate_email("a@Example.com", check_deliverability=False).normalized
print(json.dumps({"early": early, "normal": normal}))
"""
    )

    assert found == {"early": False, "normal": "a@example.com"}
