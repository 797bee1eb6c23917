"""All mutants."""

from typing import Final

from tests.infra.mutants import (
    of_alarms,
    of_buckets,
    of_dashboards,
    of_data,
    of_distributions,
    of_events,
    of_functions,
    of_http,
    of_identity,
    of_intent,
    of_operators,
    of_promises,
    of_queues,
    of_releases,
    of_rights,
    of_streams,
)
from tests.infra.mutants.making import Mutant

MODULES: Final = (
    of_data,
    of_buckets,
    of_queues,
    of_streams,
    of_events,
    of_distributions,
    of_functions,
    of_identity,
    of_http,
    of_alarms,
    of_dashboards,
    of_intent,
    of_promises,
    of_rights,
    of_operators,
    of_releases,
)
MUTANTS: Final = [found for module in MODULES for found in vars(module).values() if isinstance(found, Mutant)]
