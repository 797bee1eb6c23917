"""What stands in the secret of AlgoItny on this machine, by the name of the field. Each call makes up a new value."""

import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cdk_app.services.algoitny.google.world import ADMINISTRATOR

MADE_UP: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"google_client_secret": secrets.token_urlsafe, "admin_emails": lambda: ADMINISTRATOR.email}
)
