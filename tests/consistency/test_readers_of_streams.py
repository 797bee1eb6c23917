"""What Lambda does for a function that reads a stream, held against what that function is granted."""

import pytest

from tests.infra.variants import WITH_A_STREAM
from tests.support.recorded_operations import EVERYTHING
from tests.support.roles import FINDING, READING, done_by_lambda, granted_to


@pytest.mark.parametrize("name", WITH_A_STREAM)
def test_a_reader_may_take_records_of_its_stream_and_of_no_other_and_leave_what_failed(with_a_stream, name):
    template = with_a_stream[name].templates["NbhdCityApp"]
    granted, done = granted_to(template, "ChangesFunction", tables={}), done_by_lambda(template, "ChangesFunction")
    assert done <= granted
    of_streams = {(place, action) for place, action in granted if action in {*READING, FINDING}}
    assert of_streams == {(place, action) for place, action in done if action.startswith("dynamodb:")}
    assert {place for place, action in of_streams if action == FINDING} == {EVERYTHING}
    [stream] = {place for place, _ in of_streams} - {EVERYTHING}
    assert ("-restored/stream/" if name == "stream-restored" else "TableStreamArn") in stream
