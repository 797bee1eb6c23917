"""Write the cloud assemblies of some environments or variants: `python tests/infra/synthesise.py OUT NAME...`.

Does what `app.py` does, for several of them in one process, because starting the CDK takes longer than using it.
Run in the root of a checkout; a test compares its result with that of `app.py`.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))  # the checkout at hand comes first

from aws_cdk import App

from cdk_app.environments import environment_named
from cdk_app.stacks import add_stacks, check_policies
from tests.infra.variants import VARIANTS


def main() -> None:
    out, *names = sys.argv[1:]
    context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    for name in names:
        app = App(outdir=str(Path(out) / name), context={**context, "environment": name})
        add_stacks(app, VARIANTS.get(name) or environment_named(name))
        check_policies(app)
        app.synth()


if __name__ == "__main__":
    main()
