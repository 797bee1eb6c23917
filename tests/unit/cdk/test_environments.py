"""The environments: production is guarded, unknown names are refused."""

import dataclasses

import pytest

from cdk_app.environments import (
    CONSOLE,
    DEV,
    ENVIRONMENTS,
    LOCAL,
    PROD,
    STAGING,
    Environment,
    TrafficStep,
    UnknownEnvironment,
    UnsafeEnvironment,
    beside,
    environment_named,
)


def test_an_unknown_environment_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownEnvironment, match=r"'production'.*local, dev, staging, prod"):
        environment_named("production")


@pytest.mark.parametrize("environment", [LOCAL, DEV, STAGING, PROD], ids=lambda environment: environment.name)
def test_an_environment_is_found_by_its_name(environment):
    assert environment_named(environment.name) is environment
    assert ENVIRONMENTS[environment.name] is environment


def test_only_prod_is_production():
    assert [name for name, environment in ENVIRONMENTS.items() if environment.is_production] == ["prod"]


def test_production_keeps_its_logs_longest():
    kept = {name: environment.log_retention_days for name, environment in ENVIRONMENTS.items()}
    assert kept == {"local": 7, "dev": 7, "staging": 30, "prod": 90}


def test_production_keeps_and_protects_its_data_and_staging_starts_like_it():
    assert [name for name, each in ENVIRONMENTS.items() if each.retain_data] == ["prod"]
    assert [name for name, each in ENVIRONMENTS.items() if each.point_in_time_recovery] == ["staging", "prod"]
    assert [name for name, each in ENVIRONMENTS.items() if each.snap_start] == ["staging", "prod"]
    assert [name for name, each in ENVIRONMENTS.items() if each.tracing] == ["dev", "staging", "prod"]


def test_a_name_nobody_knows_is_production_and_must_be_guarded_like_it():
    with pytest.raises(UnsafeEnvironment, match="retained and recoverable"):
        Environment(name="production-eu", web_origins={"Sample": ("https://eu.example",)})


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "https://localhost", "https://127.0.0.1", "http://stocktrackrecord.example"]
)
def test_production_refuses_origins_of_a_laptop_and_plain_http(origin):
    with pytest.raises(UnsafeEnvironment, match="production origins"):
        dataclasses.replace(PROD, web_origins={"Sample": ("https://fine.example", origin)})


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=lambda environment: environment.name)
@pytest.mark.parametrize("origin", ["*", "https://*.example"])
def test_no_environment_takes_a_wildcard_origin(environment, origin):
    with pytest.raises(UnsafeEnvironment, match="exact"):
        dataclasses.replace(environment, web_origins={"Sample": (origin,)})


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example/",
        "app.example",
        "https://app.example/path",
        "ftp://a.example",
        "https://App.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://user@app.example",
    ],
)
def test_an_origin_is_written_as_browsers_send_it(origin):
    with pytest.raises(UnsafeEnvironment, match="scheme, host and port"):
        dataclasses.replace(DEV, web_origins={"Sample": (origin,)})


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=lambda environment: environment.name)
def test_a_service_without_an_origin_is_noticed_when_it_asks(environment):
    assert environment.origins_of("StockTrackRecord")
    with pytest.raises(UnsafeEnvironment, match="no origin for Unheard"):
        environment.origins_of("Unheard")


def test_a_restored_table_takes_the_place_of_the_one_it_names():
    restored = dataclasses.replace(DEV, table_names={"StockTrackRecord-dev": "StockTrackRecord-dev-restored"})
    assert restored.table_in_use("StockTrackRecord-dev") == "StockTrackRecord-dev-restored"
    assert restored.table_in_use("StockTrackRecord-Stocks-dev") == "StockTrackRecord-Stocks-dev"
    assert DEV.table_in_use("StockTrackRecord-dev") == "StockTrackRecord-dev"


RESTORED = {"Things-dev": "Things-dev-restored"}
STREAM = "arn:aws:dynamodb:eu-central-1:123456789012:table/Things-dev-restored/stream/2026-12-01T08:00:00.000"


def test_the_stream_of_a_restored_table_is_read_by_its_arn():
    restored = dataclasses.replace(DEV, table_names=RESTORED, stream_arns={"Things-dev": STREAM})
    assert restored.stream_in_use("Things-dev") == STREAM
    assert restored.stream_in_use("Others-dev") is None
    with pytest.raises(UnsafeEnvironment, match="`stream_arns` has no stream of Things-dev-restored"):
        dataclasses.replace(DEV, table_names=RESTORED).stream_in_use("Things-dev")


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("Things-dev", STREAM.replace("Things-dev-restored", "Things-dev")),
        ("Things-dev", STREAM.partition("/stream/")[0]),
        ("Things-dev", f"{STREAM}\n"),
        ("Things-dev", ""),
        ("Others-dev", STREAM),
    ],
    ids=["of-the-old-table", "of-no-stream", "with-a-line-end", "empty", "for-another-table"],
)
def test_no_stream_but_that_of_the_restored_table_is_taken(name, arn):
    with pytest.raises(UnsafeEnvironment, match=f"no stream of the table that `table_names` has for {name}"):
        dataclasses.replace(DEV, table_names=RESTORED, stream_arns={name: arn})


@pytest.mark.parametrize(
    ("rollout", "step", "minutes"),
    [
        ("canary", TrafficStep(percentage=10, minutes=15), 15),
        ("linear", TrafficStep(percentage=10, minutes=2), 18),
        ("linear", TrafficStep(percentage=25, minutes=4), 12),
        ("linear", TrafficStep(percentage=30, minutes=5), 15),
    ],
)
def test_a_roll_out_is_watched_from_its_first_step_to_its_last(rollout, step, minutes):
    assert step.watched_minutes(rollout) == minutes


@pytest.mark.parametrize("percentage", [0, 100, -10])
def test_a_step_moves_a_part_of_the_traffic(percentage):
    with pytest.raises(UnsafeEnvironment, match="1-99 %"):
        dataclasses.replace(PROD, traffic_step=TrafficStep(percentage=percentage, minutes=15))


@pytest.mark.parametrize(
    ("rollout", "step"),
    [
        ("canary", TrafficStep(percentage=10, minutes=9)),
        ("linear", TrafficStep(percentage=50, minutes=9)),
        ("linear", TrafficStep(percentage=1, minutes=30)),
    ],
)
def test_a_roll_out_that_no_alarm_could_stop_or_codedeploy_would_refuse_is_refused(rollout, step):
    with pytest.raises(UnsafeEnvironment, match="a rollout takes 10-2880 minutes"):
        dataclasses.replace(PROD, rollout=rollout, traffic_step=step)


def test_the_local_cloud_has_no_gradual_roll_out():
    with pytest.raises(UnsafeEnvironment, match="no CodeDeploy"):
        dataclasses.replace(LOCAL, rollout="canary")


def test_a_house_beside_another_has_its_own_console_and_apis_and_the_same_web_clients():
    aside = beside(LOCAL, port_offset=100)
    for service, origins in LOCAL.web_origins.items():
        others = [origin for origin in origins if origin != CONSOLE]
        assert [origin for origin in aside.web_origins[service] if origin in others] == others
        assert set(aside.web_origins[service]) - set(others) == {"http://localhost:8100"}
    assert aside.public_urls == {"YotoSmartStream": "http://localhost:8103", "NbhdCity": "http://localhost:8104"}


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "*",
        "123456789012",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:role/*",
        "arn:aws:sts::123456789012:assumed-role/Operator/ada",
    ],
)
def test_data_are_moved_in_by_one_user_or_role(arn):
    with pytest.raises(UnsafeEnvironment, match="is not one user or role"):
        dataclasses.replace(PROD, migration_operator=arn)


@pytest.mark.parametrize(
    "client_id",
    ["", "client-1", "1234-abcd.apps.googleusercontent.com\n", "https://1234.apps.googleusercontent.com", "*"],
)
def test_only_client_ids_of_google_are_taken(client_id):
    right = "1234-abcd.apps.googleusercontent.com"
    assert dataclasses.replace(DEV, google_client_ids={"AlgoItny": (right,)}).google_client_ids
    with pytest.raises(UnsafeEnvironment, match="in google_client_ids of AlgoItny is no client id of Google"):
        dataclasses.replace(DEV, google_client_ids={"AlgoItny": (right, client_id)})


KEY = f"-----BEGIN PUBLIC KEY-----\n{'A' * 64}\nAQAB==\n-----END PUBLIC KEY-----\n"


def test_a_public_key_is_taken_as_it_was_printed():
    assert dataclasses.replace(DEV, media_public_keys={"YotoSmartStream": (KEY, KEY)}).media_public_keys


@pytest.mark.parametrize(
    "key",
    ["", KEY.strip(), KEY.replace("\n", "\r\n"), f" {KEY}", KEY + KEY, KEY.replace("PUBLIC", "PRIVATE")],
    ids=["empty", "last line", "ends of lines", "indented", "two", "private"],
)
def test_any_other_text_is_refused_and_not_quoted(key):
    with pytest.raises(UnsafeEnvironment, match="dev: key 2 in media_public_keys of YotoSmartStream") as refused:
        dataclasses.replace(DEV, media_public_keys={"YotoSmartStream": (KEY, key)})
    assert "AAAA" not in str(refused.value)
