# Everything this repository can do, each target one line. Bare `make` lists them.
# Every target first brings the installed packages in line with the locks, which takes no time when they are.

ENVIRONMENT ?= dev
SERVICE ?=
URL ?=
OPTIONS ?=
REPOSITORY ?=
ENVIRONMENTS ?= dev,staging,prod
T ?=
PORT_OFFSET ?= 0
PHASE ?= check
SAMPLES ?=
PERCENT ?=
BEFORE ?=

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# The certificates of a company are known to the system; pip asks there by itself, uv and Node when told.
export UV_SYSTEM_CERTS := true
export NODE_USE_SYSTEM_CA := 1
# The first makes every synthesis 4 s slower.
unexport PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

# Any Python can do the set-up; it looks for 3.13 itself. Without one, uv brings its own.
ANY_PYTHON = $(shell for python in python3.13 python3 python; do $$python -c '' 2>/dev/null && echo $$python && break; done)
SETUP_PYTHON = $(or $(ANY_PYTHON),uv run --no-project --python 3.13 python)

CDK = cdk --no-notices --context environment=$(ENVIRONMENT)
# Services that need packages of their own: each has a group `lambda-<package>` in pyproject.toml, and a lock in its folder.
OWN_GROUPS = $(shell sed -n 's/^lambda-\([a-z0-9-]*\) = .*/\1/p' pyproject.toml)
COMPILE = uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: shift help setup run run-sqlite reset test check synth deploy diff drift audit sbom github-access redrive migrate release snapshots docs lock smoke bench-cold-start bench-capacity bench-load bench-migration soak

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do printf '  %-18s%s\n' "$$target" "$$text"; done

setup: ## install everything from the locks: Python packages, Node, CDK CLI, DynamoDB Local, emulator, wheels
	@$(SETUP_PYTHON) -I cdk_app/local/setup.py

run: setup ## the local cloud: all of it on this machine, until Ctrl-C; a second one beside it: PORT_OFFSET=100; empty: SAMPLES=no
	@python -m cdk_app.local run --port-offset $(PORT_OFFSET) $(if $(filter no,$(SAMPLES)),--no-samples)

run-sqlite: ## Yoto Smart Stream alone, its data in one SQLite file below .local; needs Python alone, no cloud; PORT_OFFSET=100
	@$(SETUP_PYTHON) -I cdk_app/local/setup.py packages
	@mkdir -p .local
	@port=$$((8003 + $(PORT_OFFSET))); unset DYNAMODB_TABLE; \
	  DATABASE_URL="$${DATABASE_URL:-sqlite:///.local/yoto_smart_stream.db}" PUBLIC_URL="http://localhost:$$port" \
	  uvicorn lambda_src.services.yoto_smart_stream.asgi:app --host 127.0.0.1 --port $$port --no-proxy-headers --no-access-log

reset: setup ## forget the data of the local cloud
	@python -m cdk_app.local reset --port-offset $(PORT_OFFSET)

ifeq ($(T),)
test: check ## all checks and tests; T=tests/unit or T='-k cursor' runs only those tests
	pytest -n auto --dist worksteal
else
test: setup
	pytest $(T)
endif

check: setup ## format, lint, types, import directions, generated documents
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	python -m cdk_app.docs --check

synth: setup ## write the templates of ENVIRONMENT=dev to cdk.out
	$(CDK) synth --quiet

deploy: setup ## deploy ENVIRONMENT=dev to AWS, or one SERVICE=<Service> of it
	$(CDK) deploy $(OPTIONS) '$(ENVIRONMENT)-$(SERVICE)*'

diff: setup ## what `make deploy` would change
	$(CDK) diff '$(ENVIRONMENT)-$(SERVICE)*'

drift: synth ## whether AWS still holds what the templates of ENVIRONMENT=dev say
	@python -m cdk_app.operations.drift cdk.out

audit: setup ## known vulnerabilities of everything locked; fails when it could not ask about everything
	@python -m cdk_app.operations.supply_chain audit

sbom: setup ## write a CycloneDX bill of materials of each lock to sbom/
	@python -m cdk_app.operations.supply_chain sbom sbom

github-access: setup ## let GitHub Actions of REPOSITORY=owner/name deploy ENVIRONMENTS=dev,staging,prod to this account
	cdk --no-notices deploy $(OPTIONS) --app 'python -m cdk_app.operations.github_access' --output cdk.out.access \
	  --context repository=$(REPOSITORY) --context environments=$(ENVIRONMENTS)

smoke: setup ## whether a deployed API works: URL=https://... and, where it is not the first, SERVICE=...
	@python -m cdk_app.operations.smoke '$(or $(URL),$(error URL is missing: make smoke URL=https://...))' $(if $(SERVICE),--service $(SERVICE))

shift: setup ## how many calls the newest version of an API answers: ENVIRONMENT=... SERVICE=..., and PERCENT=5 to move it
	@python -m cdk_app.operations.shift '$(or $(SERVICE),$(error SERVICE is missing: make shift SERVICE=<Service> ENVIRONMENT=prod PERCENT=5))' \
	  '$(ENVIRONMENT)' $(PERCENT) --port-offset $(PORT_OFFSET) $(if $(BEFORE),--before $(BEFORE))

redrive: setup ## show what was given up of QUEUE=..., or by the reader of a stream FUNCTION=..., and why; SEND=1 puts it back; DROP=1 REASON='not JSON' deletes it
	@python -m cdk_app.operations.redrive $(if $(FUNCTION),--function '$(FUNCTION)','$(or $(QUEUE),$(error QUEUE is missing: make redrive QUEUE=<Service>-<Queue>-<environment>))') \
	  --port-offset $(PORT_OFFSET) --reason "$$REASON" $(if $(SEND),--send) $(if $(DROP),--drop)

migrate: setup ## move the data of DATABASE_URL into the tables of SERVICE=... ENVIRONMENT=...; PHASE=check, plan, copy, verify...
	@$(if $(filter local,$(ENVIRONMENT)),DYNAMODB_ENDPOINT_URL=http://127.0.0.1:$$((8102 + $(PORT_OFFSET))) \
	  AWS_ENDPOINT_URL=http://127.0.0.1:$$((4570 + $(PORT_OFFSET))) AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1) \
	  python -m lambda_src.migration $(PHASE) '$(or $(SERVICE),$(error SERVICE is missing, a folder of lambda_src/services))' \
	  --environment $(ENVIRONMENT) $(OPTIONS)

release: setup ## keep what was just deployed (ENVIRONMENT=prod, or all), for the gates to compare the next change with
	python -m tests.infra.release $(if $(filter file,$(origin ENVIRONMENT)),,$(ENVIRONMENT))

snapshots: setup ## renew the template snapshots; review them like code
	pytest tests/infra/test_snapshots.py --snapshot-update

docs: setup ## renew tables, pictures and cost page from declarations, templates and measurements
	python -m cdk_app.docs

lock: setup ## renew the locks from the ranges in pyproject.toml and package.json
	$(COMPILE) --group dev pyproject.toml --output-file requirements-dev.txt
	$(COMPILE) --group cdk --constraint requirements-dev.txt pyproject.toml --output-file requirements.txt
	$(COMPILE) --group lambda --constraint requirements-dev.txt pyproject.toml --output-file lambda_src/requirements.txt
	common=$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' lambda_src/requirements.txt); \
	for group in $(OWN_GROUPS); do \
	  $(COMPILE) --group "lambda-$$group" --constraint requirements-dev.txt $$common pyproject.toml \
	    --output-file "lambda_src/services/$$(echo "$$group" | tr - _)/requirements.txt" || exit 1; \
	done
	$(COMPILE) --group migration --constraint requirements-dev.txt pyproject.toml --output-file lambda_src/migration/requirements.txt
	$(COMPILE) --group emulator pyproject.toml --output-file cdk_app/local/requirements.txt
	npm install --package-lock-only --ignore-scripts

bench-cold-start: setup ## CPU time of a cold start in the real bundle, beside a bare boto3 function
	python -m tests.benchmarks.cold_start

bench-capacity: setup ## requests and capacity units of the access patterns, beside the algorithm they replace
	python -m tests.benchmarks.capacity

bench-load: setup ## the hot paths of AlgoItny at once, as fast as one engine lets them; three minutes
	python -m tests.benchmarks.load

bench-migration: setup ## speed and memory of moving a SQL database, beside BatchWriteItem alone; half an hour
	python -m tests.benchmarks.migration

soak: setup ## the long versions of the race, kill and duplicate tests
	pytest -m soak tests
