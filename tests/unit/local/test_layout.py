import socket

import pytest

from cdk_app.local.layout import Layout, LocalCloudError, refuse_taken_ports, shield_from_real_aws
from tests.support.ports import free_port


def test_the_addresses_are_those_the_documents_promise():
    layout = Layout()
    assert layout.console_port == 8000
    assert layout.moved(8001) == 8001
    assert layout.emulator_url == "http://localhost:4570"
    assert layout.dynamodb_url == "http://localhost:8102"
    assert layout.state_directory.name == "state"


def test_an_offset_moves_every_port_and_the_data():
    here, aside = Layout(), Layout(port_offset=100)
    assert aside.console_port - here.console_port == 100
    assert aside.moved(8001) == 8101
    assert aside.emulator_url == "http://localhost:4670"
    assert aside.dynamodb_url == "http://localhost:8202"
    assert aside.console_url == "http://localhost:8100"
    assert aside.state_directory != here.state_directory


def test_a_taken_port_is_named_with_what_needs_it_and_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalCloudError, match=rf"Port {port}, needed for the console, is taken.*PORT_OFFSET"):
            refuse_taken_ports({port: "the console"})
    refuse_taken_ports({port: "the console"})


def test_all_taken_ports_are_named_at_once():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [one.getsockname()[1], other.getsockname()[1]]
        with pytest.raises(LocalCloudError) as refusal:
            refuse_taken_ports({ports[0]: "MiniStack", free_port(): "nobody", ports[1]: "the console"})
    named = [f"Port {ports[0]}, needed for MiniStack, is taken.", f"Port {ports[1]}, needed for the console, is taken."]
    assert str(refusal.value).startswith("\n".join(named) + f" End the program that has it (`lsof -i :{ports[0]},")


def test_no_credential_profile_or_endpoint_of_the_user_reaches_the_local_cloud():
    environment = {
        "AWS_PROFILE": "work",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL": "https://example.com",
        "AWS_CA_BUNDLE": "/etc/ssl/corporate.pem",
        "CDK_DEFAULT_ACCOUNT": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy",
    }
    shield_from_real_aws(environment)
    assert environment["PATH"] == "/bin"
    assert environment["HTTPS_PROXY"] == "http://proxy"
    assert environment["AWS_ACCESS_KEY_ID"] == "local"
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    gone = {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "CDK_DEFAULT_ACCOUNT"}
    assert not environment.keys() & (gone | {"PYTHONDONTWRITEBYTECODE"})
