"""Gives deployed HTTP APIs the CORS settings of their template, which the emulator does not take over from there.

Without them it refuses every preflight request with 403, and no web client on this machine could write anything.
"""

from collections.abc import Mapping
from typing import Any

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.ministack import QUICK, MiniStack


def cors_of(template: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The CORS settings of the HTTP API in a synthesised template; None where it has none."""
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            settings: Mapping[str, Any] | None = resource["Properties"].get("CorsConfiguration")
            return settings
    return None


def restore_cors(emulator: MiniStack, *, api_id: str, template: Mapping[str, Any]) -> None:
    """Tell the emulator what the template says. 1 request. Raises LocalCloudError when it is not kept."""
    settings = cors_of(template)
    if settings is None:
        return
    gateway = emulator.session.client("apigatewayv2", endpoint_url=emulator.url, config=QUICK)
    gateway.update_api(ApiId=api_id, CorsConfiguration=settings)
    if not gateway.get_api(ApiId=api_id).get("CorsConfiguration"):
        raise LocalCloudError("The emulator does not keep the CORS settings of an API")
