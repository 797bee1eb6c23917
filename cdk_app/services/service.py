"""What a service is to the engines that synthesise it, run it on this machine, operate and describe it: one value.

Whatever is slow to import, or needs more than `requirements.txt` installs, stands in the value as a reference, the
`module:name` of an entry point. The engine in need of it resolves it (`pkgutil.resolve_name`), no other loads it.
So the runner starts without the CDK library, and synthesis without the tools of a developer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lambda_src.dynamo.schema import Table

type Reference = str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """One service.

    name: in the names of its stacks, `<name>Data` and `<name>App`. package: its folder below `lambda_src.services` and
    below `cdk_app.services`. title: what people call it. local_port: of its API on this machine.
    data_stack: class made from an environment; app_stack: class made from an environment and that data stack.
    """

    name: str
    package: str
    title: str
    local_port: int
    tables: Sequence[Table]
    data_stack: Reference
    app_stack: Reference

    def stack_names(self, environment: str) -> tuple[str, str]:
        """The stack that keeps and the stack that runs, as CloudFormation knows them."""
        return f"{environment}-{self.name}Data", f"{environment}-{self.name}App"
