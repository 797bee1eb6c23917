"""Flags of the command line: what is taken for on and off, and that nothing else is."""

from dataclasses import fields

import pytest

from cdk_app.environments import DEV, LOCAL, Environment, UnsafeEnvironment
from cdk_app.services.flags import Flag, FlagRefused, with_flags
from cdk_app.services.registry import SERVICES

MQTT = Flag("enable_mqtt")
CLIENT = Flag("yoto_client_id", is_switch=False)
FLAGS = [flag for service in SERVICES for flag in service.flags]


def given(**values):
    return with_flags(DEV, FLAGS, values.get)


@pytest.mark.parametrize("value", [True, "true", "1", "yes", "on", "TRUE", "Yes", "On"])
def test_on_is_said_in_many_ways(value):
    assert given(enable_mqtt=value).enable_mqtt is True


@pytest.mark.parametrize("value", [False, "false", "0", "no", "off", "FALSE", "No", "Off"])
def test_and_so_is_off(value):
    assert given(enable_cloudfront=value).enable_cloudfront is False


@pytest.mark.parametrize("value", ["maybe", "", " true", "2", 1, 0, 1.0, [], {"true": True}])
def test_anything_else_is_refused_with_the_name_of_the_flag_and_what_it_takes(value):
    with pytest.raises(FlagRefused, match=r"^enable_mqtt is .*; it takes one of: true, 1, yes, on, false, 0, no, off$"):
        MQTT.read(value)


@pytest.mark.parametrize("value", ["", "4P2do5RhHDXvCDZDZ6oti27Ft2XdRrzr"])
def test_a_text_is_taken_as_it_is(value):
    assert given(yoto_client_id=value).yoto_client_id == value


@pytest.mark.parametrize("value", [True, 7, "two words", "a\nb", "é", "x" * 257])
def test_what_is_no_plain_text_is_refused(value):
    with pytest.raises(FlagRefused, match=r"^yoto_client_id is .*; it takes a text of up to 256"):
        CLIENT.read(value)


def test_what_is_not_given_stays_as_the_environment_has_it():
    assert given() is DEV
    assert given(enable_mqtt="on").enable_cloudfront is DEV.enable_cloudfront is False


def test_the_local_cloud_has_no_distribution():
    with pytest.raises(UnsafeEnvironment, match="leave enable_cloudfront out"):
        with_flags(LOCAL, FLAGS, {"enable_cloudfront": True}.get)


def test_every_flag_is_a_field_of_an_environment_that_is_off_in_all():
    assert {flag.name for flag in FLAGS} <= {field.name for field in fields(Environment)}
    assert len({flag.name for flag in FLAGS}) == len(FLAGS)
    assert not any(getattr(DEV, flag.name) for flag in FLAGS)
