"""Rules about the one who moves data in: what that role may do beside the tables, as each service promised it.

What it may do to the tables is compared with what a migration was seen to do to them.
"""

from typing import Final

from tests.infra.gates.identity import ROLE, is_operator
from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.promises import REFERENCE, promised_in
from tests.infra.gates.rights import rights_granted

SECTION: Final = "operator"
OURS: Final = "dynamodb:"


def rights_beside_tables(deployment: Deployment, operator: Resource) -> set[str]:
    """`action on place`, by the names of constructs and of the stack within its environment."""
    named = operator.stack.full_name, operator.stack.name
    return {
        f"{action} on {REFERENCE.sub(r'\1', place).rpartition(':')[2].replace(*named)}"
        for action, place in rights_granted(deployment, operator)
        if not action.startswith(OURS)
    }


@rule("operators-do-what-is-promised", "Who moves data in is let in by name, and for what a migration does alone")
def operators_do_what_is_promised(deployment: Deployment) -> Complaints:
    for operator in deployment.of_type(ROLE):
        service = deployment.service_of(operator.stack)
        if service is None or not is_operator(deployment, operator):
            continue
        promised = {
            f"{action} on {place}"
            for action, places in promised_in(deployment, service, SECTION).items()
            for place in places
        }
        granted = rights_beside_tables(deployment, operator)
        for right in sorted(granted ^ promised):
            yield operator, f"{'allows' if right in granted else 'does not allow'} {right}"
