"""Yoto Smart Stream used to the full asks of AWS exactly what its deployed roles are granted."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.dynamo.schema import patterns_of
from lambda_src.runtime.secrets import Secret
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AdminGuard
from lambda_src.services.yoto_smart_stream.store import ItemStore
from lambda_src.services.yoto_smart_stream.tables import API, AUDIO_BUCKET, SUPPORT, TABLES, TRANSCRIPTIONS, WORKER
from tests.support.played import Sent, TestClock
from tests.support.recorded_operations import EVERYTHING, Operations, Recorder, check_asked, check_found, check_patterns
from tests.support.recording import Recording, ToldApart, recording
from tests.support.roles import done_by_lambda, granted_to
from tests.support.transcribe_stand_in import TOO_SHORT_TO_IDENTIFY, Play, TranscribeStandIn
from tests.support.yoto_accounts import OTHER_PASSWORD, PASSWORD, log_in, refresh
from tests.support.yoto_smart_stream import ADMIN_PASSWORD, SIGNING_KEY, Json, PlayedHouse
from tests.support.yoto_transcripts import event
from tests.support.yoto_uploads import MP3, OTHER_MP3, PDF, event_of, send_form

FUNCTIONS: Final = {API: "ApiFunction", WORKER: "Worker"}
QUEUES: Final = {"transcription_queue_url": "transcription", "transcription_dlq_url": "transcription-dlq"}
SECRETS: Final = {
    "jwt_secret_arn": {"current": SIGNING_KEY},
    "bootstrap_admin_secret_arn": {"username": "admin", "password": ADMIN_PASSWORD},
}
BEGINNING: Final = TRANSCRIPTIONS.beginning("local")
BUCKET: Final = AUDIO_BUCKET.environment_variable.lower()


class Everything(ToldApart, PlayedHouse):
    """The service, with the worker's deliveries told apart from the API's requests.

    transcribe: the provider.
    """

    clock: TestClock

    def __init__(self, made: Recording, transcribe: TranscribeStandIn) -> None:
        self.recorder = made.recorder
        self.addresses = made.addresses
        self.transcribe = transcribe
        settings: dict[str, Any] = {"transcribe_language": "auto", **made.addresses}
        super().__init__(
            **made.options(SECRETS),
            **settings,
        )
        self.resources = replace(self.resources, secret=Secret)  # the worker reads its own

    def asked(self, method: str, path: str, status: int = 200, *, by: Json | None = None, body: Any = None) -> Any:
        """An answer that has to have this status. by: what signing in was answered with."""
        headers = {} if by is None else {"Authorization": f"Bearer {by['access_token']}"}
        answer = self.api.request(method, path, headers=headers, json=body)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json() if answer.content and status != 307 else None

    def signed_in(self, username: str, password: str = PASSWORD) -> Json:
        answer = log_in(self, username, password)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def upload(self, by: Json, filename: str, content: bytes = MP3, **asked: Any) -> Json:
        """A file on its way: the ticket, what the browser sends with it, and its event."""
        ticket: Json = self.asked(
            "POST", "/api/audio/uploads", 201, by=by, body={"filename": filename, "size": 1} | asked
        )
        assert send_form(ticket, content).status_code == 204
        assert self.deliver(event_of(self.addresses[BUCKET], ticket["upload"]["fields"]["key"])) == []
        return ticket

    def ended(self) -> None:
        """Every job of the provider ends, and says so."""
        for name in list(self.transcribe.jobs):
            assert self.deliver(event(self.transcribe.finish(name))) == []


@pytest.fixture(scope="module")
def asked(cloud: MiniStack, dynamodb_endpoint: str) -> Iterator[Recorder]:
    """What each role asked for in one run of the scenario."""
    storage = cloud.session.client("s3", endpoint_url=cloud.url)

    def put(bucket: str, key: str, content: bytes) -> None:
        storage.put_object(Bucket=bucket, Key=key, Body=content)

    with (
        TranscribeStandIn(put) as transcribe,
        pytest.MonkeyPatch.context() as patch,
        recording(
            tables=TABLES,
            queues=QUEUES,
            secrets=SECRETS,
            buckets=(AUDIO_BUCKET,),
            jobs=BEGINNING,
            cloud=cloud,
            dynamodb_endpoint=dynamodb_endpoint,
        ) as made,
    ):
        patch.setenv("AWS_ENDPOINT_URL_TRANSCRIBE", transcribe.url)
        house = Everything(made, transcribe)
        try:
            with made.recorder.acting(API):
                boss = settle_in(house)
                john = see_to_accounts(house, boss)
                keep_a_library(house, john)
                listen(house, house.signed_in("admin"), john)
            look_after_it(house)
            with made.recorder.acting(SUPPORT):
                use_as_a_program(ItemStore(made.recorder, made.tables["main"], clock=house.clock))
        finally:
            house.stop()
            storage.close()
        yield made.recorder


# ---- the API ---------------------------------------------------------------------------------------------------------


def settle_in(house: Everything) -> Json:
    """The first administrator, who is made by signing in, and what concerns everybody."""
    for path in ("/health", "/api/health", "/api/ready"):
        house.asked("GET", path)
    first = house.signed_in("admin", ADMIN_PASSWORD)
    own = {"current_password": ADMIN_PASSWORD, "new_password": PASSWORD}
    house.asked("POST", "/api/user/password", by=first, body=own)
    boss = house.signed_in("admin")
    house.asked("GET", "/api/settings", by=boss)
    house.asked("GET", "/api/settings/transcription_enabled", by=boss)
    house.asked("PUT", "/api/settings/transcription_enabled", by=boss, body={"value": "on"})
    return boss


def see_to_accounts(house: Everything, boss: Json) -> Json:
    """Accounts from beginning to end, and signing in with a wrong password, too often, and again."""
    users = "/api/admin/users"
    new = {"username": "john", "password": OTHER_PASSWORD, "email": "john@example.com"}
    john = house.asked("POST", users, 201, by=boss, body=new)
    gone = house.asked("POST", users, 201, by=boss, body={**new, "username": "gone", "email": "gone@example.com"})
    one = f"{users}/{gone['id']}"
    house.asked("GET", f"{users}?limit=1", by=boss)
    house.asked("GET", one, by=boss)
    house.asked("PATCH", one, by=boss, body={"password": PASSWORD})
    house.asked("PATCH", one, by=boss, body={"email": "away@example.com"})
    house.asked("PATCH", one, by=boss, body={"is_admin": True})
    house.asked("DELETE", one, 204, by=boss)
    for _ in range(5):
        assert log_in(house, "john", "a wrong one").status_code == 401
    house.clock.forward(minutes=16)
    assert log_in(house, "john", "a wrong one").status_code == 401
    session = house.signed_in("john", OTHER_PASSWORD)
    own = {"current_password": OTHER_PASSWORD, "new_password": PASSWORD}
    house.asked("POST", "/api/user/password", by=session, body=own)
    session = house.signed_in("john")
    house.asked("GET", "/api/user/me", by=session)
    again = refresh(house, session["refresh_token"])
    assert again.status_code == 200
    house.asked("POST", "/api/user/logout", 204, body={"refresh_token": again.json()["refresh_token"]})
    assert john["id"] == 2
    return house.signed_in("john")


def keep_a_library(house: Everything, john: Json) -> None:
    """Uploads of every outcome, lists, links, and a file that goes."""
    ticket = house.upload(john, "song.mp3")
    house.upload(john, "song.mp3", OTHER_MP3, replace=True)
    house.upload(john, "story.mp3", PDF)
    upload = house.asked("GET", f"/api/audio/uploads/{ticket['upload_id']}", by=john)
    assert upload["state"] == "completed"
    for path in (
        "/api/audio",
        "/api/audio/search?q=son",
        "/api/audio/search?q=son&match=prefix",
        "/api/audio/song.mp3",
        "/api/audio/song.mp3/url",
    ):
        house.asked("GET", path, by=john)
    link = "/api/audio/song.mp3/play-link"
    house.asked("POST", link, 201, by=john)
    shown = house.asked("POST", link, 201, by=john)["play_url"]
    house.asked("GET", link, by=john)
    for method in ("GET", "HEAD"):
        house.asked(method, f"/play/{shown.rpartition('/')[2]}.mp3", 307)
    house.asked("DELETE", link, 204, by=john)
    house.upload(john, "gone.mp3", duration=7)
    house.asked("POST", "/api/audio/gone.mp3/play-link", 201, by=john)
    house.asked("DELETE", "/api/audio/gone.mp3", 204, by=john)
    house.drain()


def listen(house: Everything, boss: Json, john: Json) -> None:
    """Transcriptions of every outcome, by hand and by the provider."""
    text, wish = "/api/audio/song.mp3/transcript", "/api/audio/song.mp3/transcribe"
    house.ended()
    assert house.asked("GET", text, by=john)["status"] == "completed"
    house.asked("PUT", text, by=john, body={"text": "by hand"})
    house.asked("DELETE", text, by=john)
    house.asked("PATCH", text, by=boss, body={"status": "disabled", "error": "later"})
    house.asked("POST", wish, 202, by=john)
    house.drain()
    house.asked("POST", f"{text}/cancel", by=john)
    house.drain()  # the provider is told
    house.transcribe.play_in_order(Play(failed=TOO_SHORT_TO_IDENTIFY))
    house.asked("POST", wish, 202, by=john)
    house.drain()
    house.ended()
    house.ended()  # the second try, in another language


# ---- the worker, and programs ----------------------------------------------------------------------------------------


def look_after_it(house: Everything) -> None:
    """The sweep over messages and answers that were lost, and over an administrator who is gone; and nonsense."""
    test = house.recorder.acting
    with test("test"):
        [admin] = [item for item in house.items() if item["PK"] == "USER#admin"]
        boss = house.signed_in("admin")
        for filename in ("lost message.mp3", "lost answer.mp3", "lost purge.mp3", "no file.mp3"):
            house.upload(boss, filename, duration=1)
            messages = house.queue.take()
            if filename == "lost answer.mp3":
                assert house.deliver(*messages) == []
        house.asked("DELETE", "/api/audio/lost%20purge.mp3", 204, by=boss)
        house.queue.take()
        house.remove(tables.AUDIO.key(filename="no file.mp3"))
    house.clock.forward(hours=1)
    house.scheduled("sweep")
    house.drain()
    for admins, changed in ((1, {"is_admin": False, "hashed_password": "!"}), (0, {"is_admin": False})):
        with test("test"):
            house.put_items(admin | changed, tables.ADMIN_GUARD.item(AdminGuard(admins)))
        house.scheduled("sweep")
    with test("test"):
        house.remove(tables.USER.key(username_key="admin"))
        house.remove(tables.ADMIN_GUARD.key())
    house.scheduled("sweep")
    assert house.deliver(Sent(house.addresses["transcription_queue_url"], "odd", "not json")) == []
    with test("test"):
        assert house.stored_user("admin") is not None


def use_as_a_program(store: ItemStore) -> None:
    """All thirteen methods, as programs from before call them."""
    user = store.create_user("program", "$argon2id$", "program@example.com")
    store.update_user(user.user_id, hashed_password="$argon2id$2")
    store.update_user(user.user_id, "other@example.com")
    store.ensure_admin_user("$argon2id$")
    assert store.get_user("PROGRAM") == store.get_user_by_id(user.user_id)
    assert store.user_count() == len(store.list_users())
    store.upsert_audio_file("test.mp3", 1_024_000, 120)
    store.update_transcript("test.mp3", "hello world", "completed")
    store.set_transcript_status("test.mp3", "failed", "Transcription timeout")
    store.clear_transcript("test.mp3")
    assert store.upsert_audio_file("test.mp3", 7, reset_transcript=True) == store.get_audio_file("test.mp3")
    assert store.search_audio_files("test", 5)
    assert store.list_audio_files()


# ---- and how that compares -------------------------------------------------------------------------------------------


def declared_beside_tables(role: str) -> Operations:
    """What is declared of objects and of jobs of Amazon Transcribe."""
    of_objects = {(f"{BUCKET}/{prefix}", f"s3:{action}") for prefix, action in AUDIO_BUCKET.rights(role)}
    return of_objects | {
        (names if names == EVERYTHING else f"transcription-job/{names}", f"transcribe:{action}")
        for action, names in TRANSCRIPTIONS.rights(role, "local")
    }


def in_environment(operations: Operations, environment: str) -> Operations:
    """What was done here, as it is named there: names of jobs say where they belong."""
    there = TRANSCRIPTIONS.beginning(environment)
    return {(place.replace(f"job/{BEGINNING}", f"job/{there}"), action) for place, action in operations}


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_deployed_role_of_yoto_smart_stream_is_granted_what_its_function_does_and_no_more(asked, deployed, role):
    template = deployed.templates["YotoSmartStreamApp"]
    names = {table.physical_name(deployed.environment): table.name for table in TABLES}
    allowed = granted_to(template, FUNCTIONS[role], tables=names)
    used = in_environment(asked.operations[role], deployed.environment) | done_by_lambda(template, FUNCTIONS[role])
    assert used - allowed == set(), f"{role} is refused this"
    assert allowed - used == set(), f"{role} does not need this"


@pytest.mark.parametrize("asker", [API, WORKER])
def test_yoto_smart_stream_runs_exactly_the_patterns_that_say_who_asks_them(asked, asker):
    check_asked(asked, TABLES, asker)


def test_programs_run_through_the_store_what_no_function_asks(asked):
    """They also run what functions do, and then no pattern says so: a program has no role here."""
    for_programs = patterns_of(TABLES, SUPPORT)
    of_functions = {pattern.name for role in FUNCTIONS for pattern in patterns_of(TABLES, role)}
    assert asked.patterns[SUPPORT].keys() - of_functions == {pattern.name for pattern in for_programs}
    check_patterns(asked, for_programs, SUPPORT)


def test_patterns_of_yoto_smart_stream_find_the_kinds_of_items_they_read(asked):
    check_found(asked, TABLES)


@pytest.mark.parametrize("role", FUNCTIONS)
def test_what_is_declared_of_objects_and_of_jobs_is_what_is_done(asked, role):
    done = {pair for pair in asked.operations[role] if pair[1].partition(":")[0] in {"s3", "transcribe"}}
    assert done == declared_beside_tables(role)
