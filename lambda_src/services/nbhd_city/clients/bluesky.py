"""BlueSky's public API: profiles as they are now, without authorization.

https://docs.bsky.app/docs/api/app-bsky-actor-get-profile
"""

from collections.abc import Mapping
from typing import Any, Final

from lambda_src.runtime.deadline import Deadline
from lambda_src.services.nbhd_city.clients.upstream import Upstream, json_object, text_in
from lambda_src.services.nbhd_city.errors import ProfileNotFound, UpstreamError
from lambda_src.services.nbhd_city.models import INVALID_HANDLE, Did, LiveProfile

_NOT_THERE: Final = frozenset({"InvalidRequest", "AccountTakedown", "AccountDeactivated"})


class BlueSkyClient:
    """Asks for profiles."""

    def __init__(self, upstream: Upstream, *, base_url: str) -> None:
        self._upstream = upstream
        self._url = f"{base_url.rstrip('/')}/xrpc/app.bsky.actor.getProfile"

    def profile(self, did: Did, *, deadline: Deadline) -> LiveProfile:
        """The profile of an account now. 1 request, 2 when the first one fails.

        Raises ProfileNotFound, UpstreamError for an answer that cannot be used, UpstreamTimeout.
        """
        answer = self._upstream.get("read profile", self._url, params={"actor": did}, deadline=deadline)
        body = json_object(answer)
        if answer.status == 400 and body.get("error") in _NOT_THERE:
            raise ProfileNotFound
        if answer.status != 200 or body.get("did") != did:
            raise UpstreamError
        return LiveProfile(
            did=did,
            handle=text_in(body, "handle") or INVALID_HANDLE,
            display_name=text_in(body, "displayName"),
            description=text_in(body, "description"),
            avatar=text_in(body, "avatar"),
            banner=text_in(body, "banner"),
            followers_count=_count(body, "followersCount"),
            follows_count=_count(body, "followsCount"),
            posts_count=_count(body, "postsCount"),
        )


def _count(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
