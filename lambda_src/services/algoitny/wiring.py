"""Who gets what: settings and resources become the application, the worker and the consumers of the stream.

Each function imports what it alone needs: a worker has no use for FastAPI, and importing it takes half a start.
"""

from typing import TYPE_CHECKING, Final

from lambda_src.runtime.resources import Resources
from lambda_src.services.algoitny.settings import ApiSettings
from lambda_src.services.algoitny.tables import TABLES

if TYPE_CHECKING:
    from fastapi import FastAPI

NAMESPACE: Final = "AlgoItny"
PACKAGE: Final = "algoitny"
TITLE: Final = "AlgoItny"
VERSION: Final = "1.0.0"
MAX_BODY_BYTES: Final = 5_242_880
CURSOR_PURPOSE: Final = b"algoitny.cursor.v1"
TOKEN_PURPOSE: Final = b"algoitny.access.v1"
REFRESH_PURPOSE: Final = b"algoitny.refresh.v1"


def api(settings: ApiSettings, resources: Resources) -> "FastAPI":
    """The application."""
    from lambda_src.runtime.app_secret import DerivedKeys
    from lambda_src.runtime.http import create_app
    from lambda_src.runtime.keyring import GeneratedKeys
    from lambda_src.runtime.problems import ErrorAnswers
    from lambda_src.services.algoitny import health
    from lambda_src.services.algoitny.errors import CODES
    from lambda_src.services.algoitny.principals import AccessTokens, Administrators

    secret = resources.secret(settings.app_secret_arn)
    keys, administrators = GeneratedKeys(secret), Administrators(secret)
    store = resources.store(TABLES, settings, keys=DerivedKeys(keys, CURSOR_PURPOSE))
    tokens = AccessTokens(
        DerivedKeys(keys, TOKEN_PURPOSE),
        store,
        administrators,
        environment=settings.environment,
        lifetime_seconds=settings.access_token_minutes * 60,
        seconds=resources.seconds,
    )
    return create_app(
        title=TITLE,
        version=VERSION,
        settings=settings,
        cors=settings.cors,
        routers=[
            health.router,
        ],
        provided=[
            settings,
            store,
            tokens,
            administrators,
        ],
        resources=resources,
        errors=ErrorAnswers(codes=CODES, detail_as="error", malformed_json="bad_request"),
        health_paths=health.PATHS,
        max_body_bytes=MAX_BODY_BYTES,
        trailing_slash=True,
    )
