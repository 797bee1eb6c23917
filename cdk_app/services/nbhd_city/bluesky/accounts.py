"""Who an account is: the directory of `did:plc`, the account's own server, and the public profile.

https://web.plc.directory/spec/v0.1/did-plc, https://docs.bsky.app/docs/api/app-bsky-actor-get-profile
"""

from starlette.routing import Route

from cdk_app.services.nbhd_city.bluesky.wire import Form, form_route
from cdk_app.services.nbhd_city.bluesky.world import World
from cdk_app.services.stand_ins.answers import Answer, json_answer

DIRECTORY = "/plc"
PUBLIC_API = "/public"


def account_routes(world: World) -> list[Route]:
    return [
        form_route(world, "directory", DIRECTORY + "/{did}", _document, method="GET"),
        form_route(world, "pds", "/pds/{did}/.well-known/oauth-protected-resource", _resource, method="GET"),
        form_route(world, "profile", f"{PUBLIC_API}/xrpc/app.bsky.actor.getProfile", _profile, method="GET"),
    ]


def _document(world: World, form: Form) -> Answer:
    account = world.accounts.get(form.path["did"])
    if account is None:
        return json_answer({"message": f"DID not registered: {form.path['did']}"}, status=404)
    server = {
        "id": "#atproto_pds",
        "type": "AtprotoPersonalDataServer",
        "serviceEndpoint": f"{form.origin}/pds/{account.did}",  # a real one is a bare origin; here all share a port
    }
    return json_answer(
        {
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": account.did,
            "alsoKnownAs": [f"at://{account.handle}"],
            "service": [server],
        }
    )


def _resource(world: World, form: Form) -> Answer:
    account = world.accounts.get(form.path["did"])
    if account is None:
        return json_answer({"error": "NotFound"}, status=404)
    issuer = account.foreign_issuer or form.origin
    return json_answer({"resource": f"{form.origin}/pds/{account.did}", "authorization_servers": [issuer]})


def _profile(world: World, form: Form) -> Answer:
    account = world.accounts.get(form.fields.get("actor", ""))
    if account is None:
        return json_answer({"error": "InvalidRequest", "message": "Profile not found"}, status=400)
    return json_answer(
        {
            "did": account.did,
            "handle": account.handle,
            "displayName": account.display_name,
            "description": account.description,
            "followersCount": 3,
            "followsCount": 5,
            "postsCount": 8,
            "indexedAt": "2025-01-01T00:00:00.000Z",
        }
    )
