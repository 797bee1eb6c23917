"""Routes of settings, for administrators."""

from typing import Any, Final

from pydantic import BaseModel, Field

from lambda_src.runtime.bodies import RequestBody
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.yoto_smart_stream.preferences.service import Chosen, Preferences
from lambda_src.services.yoto_smart_stream.principals import Admin


class SettingBody(BaseModel):
    key: str
    value: str
    description: str
    default: str


class SettingsBody(BaseModel):
    settings: list[SettingBody]


class NewValue(RequestBody):
    value: str = Field(max_length=1000)


router: Final = Router(tags=["settings"])


@router.get("/api/settings", response_model=SettingsBody)
def list_settings(preferences: Given[Preferences], caller: Admin) -> dict[str, Any]:  # noqa: ARG001 -- is asked for
    """Every setting, as it stands."""
    return {"settings": [_shown(each) for each in preferences.all()]}


@router.get("/api/settings/{key}", response_model=SettingBody)
def read_setting(preferences: Given[Preferences], caller: Admin, key: str) -> dict[str, Any]:  # noqa: ARG001
    """One setting."""
    return _shown(preferences.get(key))


@router.put("/api/settings/{key}", response_model=SettingBody)
def put_setting(preferences: Given[Preferences], caller: Admin, key: str, body: NewValue) -> dict[str, Any]:
    """Choose; it holds for files that arrive from now on."""
    return _shown(preferences.put(key, body.value, by=caller.user_id))


def _shown(chosen: Chosen) -> dict[str, Any]:
    known = chosen.known
    return {"key": chosen.key, "value": chosen.value, "description": known.description, "default": known.default}
