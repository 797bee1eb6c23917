"""Stand-ins for the outside services of Stock Track Record: YouTube, Gemini, Finnhub, Yahoo and Alpha Vantage.

They speak the real wire formats on loopback, check what they receive as the real services would, and tell of a
sample world. A client is pointed at them by its base URLs alone. Tests give `standins_app` a `World` of their own.
"""

from cdk_app.local.standins.app import BASE_URLS, base_urls, standins_app
from cdk_app.local.standins.world import World

__all__ = ["BASE_URLS", "World", "base_urls", "standins_app"]
