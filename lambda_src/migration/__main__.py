"""`python -m lambda_src.migration --help`."""

import os

from lambda_src.migration.cli import app
from lambda_src.migration.terminal import tell_warnings

if region := os.environ.get("AWS_REGION"):
    os.environ["AWS_DEFAULT_REGION"] = region  # the only name that boto3 reads: Secrets Manager, S3, CloudFormation
tell_warnings()
app(prog_name="python -m lambda_src.migration")
