"""The console of the local run: one small web application that shows what the house is doing."""

from cdk_app.local.console.app import create_console

__all__ = ["create_console"]
