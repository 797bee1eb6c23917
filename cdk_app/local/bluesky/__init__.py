"""A stand-in for BlueSky: authorization server, directory of identities, account server and public profiles.

It speaks the real wire formats on loopback and checks what it receives as the real servers would: pushed requests,
PKCE, DPoP proofs and their nonces, client assertions against the client's published keys, codes that work once. People
sign in on a plain page with the names of sample accounts. Tests give `bluesky_app` a `World` of their own.
"""

from cdk_app.local.bluesky.app import bluesky_app, settings_for
from cdk_app.local.bluesky.world import Account, World

__all__ = ["Account", "World", "bluesky_app", "settings_for"]
