"""`python -m lambda_src.migration.documents`: see `commands`."""

import sys

from lambda_src.migration.documents.commands import main
from lambda_src.migration.terminal import tell_warnings

if __name__ == "__main__":
    tell_warnings()
    sys.exit(main())
