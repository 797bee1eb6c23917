"""What is declared of the local cloud agrees with the services that are deployed into it."""

from cdk_app.environments import CONSOLE, LOCAL
from cdk_app.local.layout import Layout
from cdk_app.local.outside_services import STAND_INS
from cdk_app.services.algoitny.google.world import CLIENT_ID
from cdk_app.services.nbhd_city.local_secrets import MADE_UP
from cdk_app.services.nbhd_city.stacks import SECRET_PARTS
from cdk_app.services.registry import ALGOITNY, SERVICES


def test_no_two_programs_of_a_local_cloud_share_a_port():
    layout = Layout()
    ports = [layout.console_port, layout.emulator_port, layout.dynamodb_port]
    ports += [stand_in.port for stand_in in STAND_INS] + [service.local_port for service in SERVICES]
    assert len(set(ports)) == len(ports)


def test_no_two_stand_ins_set_the_same_variable():
    names = [name for stand_in in STAND_INS for name in stand_in.variables("http://localhost:1")]
    assert len(set(names)) == len(names)


def test_every_part_of_the_secret_is_made_up_on_this_machine():
    assert set(SECRET_PARTS) <= MADE_UP.keys()


def test_google_s_stand_in_issues_tokens_for_the_client_that_is_taken_here():
    assert LOCAL.google_client_ids == {ALGOITNY.name: (CLIENT_ID,)}


def test_console_and_apis_are_where_the_local_environment_says():
    assert Layout().console_url == CONSOLE
    ports = {service.name: service.local_port for service in SERVICES}
    assert {name: f"http://localhost:{ports[name]}" for name in LOCAL.public_urls} == dict(LOCAL.public_urls)
