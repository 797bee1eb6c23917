"""The service with its provider, and somebody who wishes for texts."""

import pytest

from tests.support.yoto_transcripts import Speech


@pytest.fixture
def speech(new_speech) -> Speech:
    made: Speech = new_speech()
    return made


@pytest.fixture
def john(speech):
    return speech.house.user("john")
