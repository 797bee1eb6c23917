"""A CDK app of its own, deployed once by hand: an account must know GitHub before GitHub can deploy to it.

make github-access REPOSITORY=owner/name ENVIRONMENTS=dev,staging
"""

from aws_cdk import App

from cdk_app.environments import ENVIRONMENTS, environment_named
from cdk_app.operations.github_access.stack import GitHubAccess, InvalidAccess
from cdk_app.stacks import check_policies


def environments_named(value: object) -> list[str]:
    """The names in a comma-separated list. Raises InvalidAccess or UnknownEnvironment."""
    names = [environment_named(name) for name in str(value or "").split(",") if name]
    if not names or any(environment.on_this_machine for environment in names):
        known = ", ".join(name for name, environment in ENVIRONMENTS.items() if not environment.on_this_machine)
        raise InvalidAccess(f"environments is {value!r}, should be some of {known}, with commas between them")
    return [environment.name for environment in names]


def build(app: App) -> None:
    """Synthesise from the context values repository, environments and, where the account knows GitHub, provider."""
    GitHubAccess(
        app,
        "GitHubAccess",
        repository=app.node.try_get_context("repository"),
        environments=environments_named(app.node.try_get_context("environments")),
        has_provider=app.node.try_get_context("provider") == "existing",
    )
    check_policies(app)
    app.synth()


if __name__ == "__main__":
    build(App())
