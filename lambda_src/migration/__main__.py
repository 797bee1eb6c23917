"""`python -m lambda_src.migration --help`."""

from lambda_src.migration.cli import app
from lambda_src.migration.terminal import tell_warnings

tell_warnings()
app(prog_name="python -m lambda_src.migration")
