"""Smoke check of AlgoItny: how it is, and what everybody may read."""

from cdk_app.services.smoke_steps import Steps


def check(steps: Steps) -> None:
    """Health and readiness. Raises StepFailed; changes nothing."""
    steps.step("health", "GET", "/api/health", status=200, expect=lambda body: body["status"] == "healthy")
    steps.step("ready", "GET", "/api/health/ready", status=200, expect=lambda body: body["status"] == "ready")
