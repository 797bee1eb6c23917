"""TransactWriteItems: all or nothing, at most once."""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Final

from lambda_src.dynamo.actions import Action, key_values, transact_item
from lambda_src.dynamo.calls import Caller
from lambda_src.dynamo.values import Request

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_ACTIONS: Final = 100


def transact_write(caller: Caller, actions: Sequence[Action], token: str | None) -> None:
    """Carry out the actions; see `Store.transact`."""
    if not 1 <= len(actions) <= MAX_ACTIONS:
        raise ValueError(f"a transaction holds 1 to {MAX_ACTIONS} actions, not {len(actions)}")
    _refuse_repeated_items(caller, actions)
    request: Request = {
        "TransactItems": [transact_item(action, caller.physical_name(action.table)) for action in actions],
        # One token for all tries: when the answer to a try was lost, the next one finds it done and does nothing.
        "ClientRequestToken": token or str(uuid.uuid4()),
    }
    caller.call(partial(caller.client.transact_write_items, **request))


def _refuse_repeated_items(caller: Caller, actions: Sequence[Action]) -> None:
    seen: set[tuple[object, ...]] = set()
    for position, action in enumerate(actions):
        identity = (caller.physical_name(action.table), *key_values(action))
        if identity in seen:
            raise ValueError(f"a transaction touches an item once; action {position} is the second of {identity}")
        seen.add(identity)
