from collections.abc import Iterator

import pytest

from tests.support.algoitny_google import PlayedGoogle


@pytest.fixture
def google(new_judge) -> Iterator[PlayedGoogle]:
    """The stand-in of Google, and the service that asks it; its clock begins at 2025-10-08T12:00:00Z."""
    with PlayedGoogle(new_judge) as made:
        yield made
