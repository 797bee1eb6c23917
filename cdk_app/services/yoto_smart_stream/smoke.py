"""What `make smoke` checks of Yoto Smart Stream."""

from cdk_app.services.smoke_steps import Steps


def check(steps: Steps) -> None:
    """The service is up, and its table answers."""
    steps.step("health", "GET", "/api/health", status=200, expect=lambda body: body["status"] == "healthy")
    steps.step("ready", "GET", "/api/ready", status=200, expect=lambda body: body["ready"] is True)
