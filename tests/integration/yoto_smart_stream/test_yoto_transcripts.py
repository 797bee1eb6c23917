"""Transcripts over HTTP: what people read, write, ask for and are refused. Nobody listens to anything here."""

import gzip
import random
import re
from collections import Counter

import pytest

from lambda_src.services.yoto_smart_stream import tables
from tests.support.yoto_smart_stream import PlayedHouse

PATH = "/api/audio/song.mp3/transcript"
WISH = "/api/audio/song.mp3/transcribe"
NOW = "2025-01-15T08:30:00.123000Z"
NOTHING = {
    "filename": "song.mp3", "status": "pending", "transcript": None, "error": None, "language": None, "source": None,
    "chars": None, "transcribed_at": None, "queued": False,
}  # fmt: skip
LONG = "Es war einmal ein kleines Mädchen. " * 4_300  # 154,800 bytes


@pytest.fixture
def house(new_house) -> PlayedHouse:
    made: PlayedHouse = new_house()
    return made


@pytest.fixture
def john(house):
    return house.user("john")


@pytest.fixture
def boss(house):
    return house.admin()


def said(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def incompressible(size_bytes: int) -> str:
    alphabet = [chr(code) for code in range(0x4E00, 0x9E00)]
    return "".join(random.Random(1).choices(alphabet, k=size_bytes // 3))


# ---- reading and writing by hand -----------------------------------------------------------------------------------


def test_a_new_file_has_no_transcript(house, john):
    house.file("song.mp3", john)

    answer = house.ask("GET", PATH, by=house.user("mary"))

    assert (answer.status_code, answer.json()) == (200, NOTHING)


def test_a_text_by_hand_is_stored_beside_its_file(house, john):
    house.file("song.mp3", john)
    house.clock.forward(seconds=5)
    shown = NOTHING | {
        "status": "completed", "transcript": "héllo", "language": "fr-CA", "source": "manual", "chars": 5,
        "transcribed_at": "2025-01-15T08:30:05.123000Z",
    }  # fmt: skip

    with house.counted() as requests:
        answer = house.ask("PUT", PATH, by=john, json={"text": "héllo", "language": "fr-CA"})

    assert (answer.status_code, answer.json()) == (200, shown)
    assert requests == Counter(GetItem=3, TransactWriteItems=1)  # the caller is one of them
    assert house.ask("GET", PATH, by=john).json() == shown
    file = house.stored_file("song.mp3")
    assert "text" not in file
    assert "transcript" not in file
    assert (file["version"], file["updated_at"]) == (2, "2025-01-15T08:30:05.123000Z")
    assert house.item(tables.TRANSCRIPT.key(filename="song.mp3")) == {
        "PK": "AUDIO#song.mp3", "SK": "TRANSCRIPT", "entity": "transcript", "text": "héllo",
    }  # fmt: skip
    assert house.queue.every == []


def test_reading_a_transcript_is_one_request(house, john):
    house.file("song.mp3", john)
    house.ask("PUT", PATH, by=john, json={"text": "hello"})

    with house.counted() as requests:
        house.ask("GET", PATH, by=john)

    assert requests == Counter(GetItem=1, BatchGetItem=1)  # the caller is the other


def test_a_second_text_replaces_the_first_and_what_was_said_of_it(house, john):
    house.file("song.mp3", john)
    house.ask("PUT", PATH, by=john, json={"text": LONG, "language": "de-DE"})

    answer = house.ask("PUT", PATH, by=john, json={"text": "short"})

    assert answer.json() == house.ask("GET", PATH, by=john).json()
    assert (answer.json()["transcript"], answer.json()["chars"], answer.json()["language"]) == ("short", 5, None)


def test_a_long_text_is_stored_gzipped_and_read_whole(house, john):
    """150,000 bytes."""
    house.file("song.mp3", john)
    text = (LONG * 2)[:148_000] + "ü" * 1_000
    assert len(text.encode()) >= 150_000

    assert house.ask("PUT", PATH, by=john, json={"text": text}).status_code == 200

    stored = house.item(tables.TRANSCRIPT.key(filename="song.mp3"))["text"]
    assert gzip.decompress(bytes(stored)).decode() == text
    assert len(bytes(stored)) < 10_000
    assert house.ask("GET", PATH, by=john).json()["transcript"] == text
    [listed] = house.store.page(tables.AUDIO_NEWEST_FIRST, limit=10, cursor=None).items
    assert (listed.transcript, listed.transcript_chars) == (None, len(text))


def test_a_text_of_exactly_a_mebibyte_is_stored_and_one_byte_more_is_not(house, john):
    house.file("song.mp3", john)
    largest = "a" * 1_048_576

    assert house.ask("PUT", PATH, by=john, json={"text": largest}).json()["chars"] == 1_048_576
    before = house.items()
    answer = house.ask("PUT", PATH, by=john, json={"text": largest + "a"})

    assert said(answer) == (413, "transcript_too_large")
    assert answer.json()["detail"] == "The transcript is too long to store (limit 1 MiB)."
    assert house.items() == before


def test_a_text_that_does_not_get_small_enough_is_refused(house, john):
    house.file("song.mp3", john)

    answer = house.ask("PUT", PATH, by=john, json={"text": incompressible(900_000)})

    assert said(answer) == (413, "transcript_too_large")
    assert answer.json()["detail"] == "The transcript is too long to store, compressed too (limit 380 KB)."
    assert house.stored_file("song.mp3")["version"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"text": ""}, {}, {"text": None}, {"text": "x", "language": "english, please"},
        {"text": "x", "language": "en-GB\n"}, {"text": "x", "language": "en-" + "abcdefgh-" * 2 + "x"},
        {"text": "x", "more": 1},
    ],
)  # fmt: skip
def test_a_text_that_is_none_is_refused(house, john, body):
    house.file("song.mp3", john)

    assert said(house.ask("PUT", PATH, by=john, json=body)) == (422, "validation_error")
    assert house.stored_file("song.mp3")["version"] == 1


def test_a_lone_surrogate_is_refused_and_no_list_fails_for_it(house, boss):
    house.file("song.mp3", boss)
    for method, body in {"PUT": b'{"text": "a\\ud800b"}', "PATCH": b'{"status": "failed", "error": "\\udfff"}'}.items():
        options = {"content": body, "headers": {"Content-Type": "application/json"}}
        assert said(house.ask(method, PATH, by=boss, **options)) == (422, "validation_error")
    assert house.ask("GET", "/api/audio", by=boss).json()["count"] == 1


def test_a_text_by_hand_ends_what_is_in_flight(house, john):
    house.file("song.mp3", john)
    request_id = house.ask("POST", WISH, by=john).json()["request_id"]

    answer = house.ask("PUT", PATH, by=john, json={"text": "by hand"})

    assert (answer.json()["status"], answer.json()["queued"]) == ("completed", False)
    assert [sent.content for sent in house.queue.of_type("cancel")] == [
        {"v": 1, "kind": "cancel", "job_id": request_id}
    ]


def test_removing_a_text_removes_all_that_was_known_of_it(house, john):
    house.file("song.mp3", john)
    house.ask("PUT", PATH, by=john, json={"text": "hello", "language": "en-GB"})

    with house.counted() as requests:
        answer = house.ask("DELETE", PATH, by=john)

    assert (answer.status_code, answer.json()) == (200, NOTHING)
    assert requests == Counter(GetItem=3, TransactWriteItems=1)
    assert house.item(tables.TRANSCRIPT.key(filename="song.mp3")) is None
    left = {name for name in house.stored_file("song.mp3") if name.startswith("trans")}
    assert left == {"transcript_status"}


# ---- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "body"), [("PUT", {"text": "mine"}), ("DELETE", None)])
def test_only_who_uploaded_a_file_and_administrators_change_its_text(house, john, boss, method, body):
    """A member who is not the uploader."""
    house.file("song.mp3", john)
    house.file("old.mp3", None)

    assert said(house.ask(method, PATH, by=house.user("mary"), json=body)) == (403, "not_owner")
    assert said(house.ask(method, "/api/audio/old.mp3/transcript", by=john, json=body)) == (403, "not_owner")
    assert house.stored_file("song.mp3")["version"] == 1
    assert house.ask(method, PATH, by=boss, json=body).status_code == 200
    assert house.ask(method, PATH, by=john, json=body).status_code == 200


def test_only_administrators_set_a_status(house, john):
    house.file("song.mp3", john)

    assert said(house.ask("PATCH", PATH, by=john, json={"status": "failed"})) == (403, "admin_required")


@pytest.mark.parametrize("route", ["GET", "PUT", "PATCH", "DELETE", "transcribe", "transcript/cancel"])
@pytest.mark.parametrize("filename", ["ghost.mp3", "notes.txt", "a%5Cb.mp3", "song.mp3%0A"])
def test_a_file_that_is_not_there_is_never_made(house, boss, route, filename):
    house.file("song.mp3", boss)
    before = house.items()
    body = {"PUT": {"text": "x"}, "PATCH": {"status": "failed"}}.get(route)
    method, path = (route, "transcript") if route.isupper() else ("POST", route)

    answer = house.ask(method, f"/api/audio/{filename}/{path}", by=boss, json=body)

    assert said(answer) == (404, "not_found" if "%0A" in filename else "audio_not_found")
    assert house.items() == before


def test_a_visitor_gets_nowhere(house, john):
    house.file("song.mp3", john)

    for method, path in [("GET", PATH), ("PUT", PATH), ("PATCH", PATH), ("DELETE", PATH), ("POST", WISH)]:
        body = {"PUT": {"text": "x"}, "PATCH": {"status": "failed"}}.get(method)
        assert said(house.ask(method, path, json=body)) == (401, "not_authenticated")


# ---- statuses by an administrator ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "failed", "cancelled", "disabled"])
def test_an_administrator_says_how_it_stands(house, boss, status):
    house.file("song.mp3", boss)

    answer = house.ask("PATCH", PATH, by=boss, json={"status": status, "error": "For a reason."})

    assert (answer.status_code, answer.json()) == (200, NOTHING | {"status": status, "error": "For a reason."})
    again = house.ask("PATCH", PATH, by=boss, json={"status": status})
    assert again.json() == NOTHING | {"status": status}
    assert "transcript_error" not in house.stored_file("song.mp3")
    assert house.stored_file("song.mp3")["version"] == 3


def test_a_status_leaves_the_text_alone(house, boss):
    house.file("song.mp3", boss)
    house.ask("PUT", PATH, by=boss, json={"text": "hello"})

    answer = house.ask("PATCH", PATH, by=boss, json={"status": "failed", "error": "e" * 1_001})

    assert (answer.json()["transcript"], answer.json()["chars"]) == ("hello", 5)
    assert answer.json()["error"] == "e" * 999 + "…"


@pytest.mark.parametrize("status", ["completed", "processing"])
def test_two_statuses_cannot_be_set(house, boss, status):
    house.file("song.mp3", boss)

    assert said(house.ask("PATCH", PATH, by=boss, json={"status": status})) == (409, "invalid_transition")
    assert said(house.ask("PATCH", PATH, by=boss, json={"status": "error"})) == (422, "validation_error")
    assert house.stored_file("song.mp3")["version"] == 1


@pytest.mark.parametrize("status", ["pending", "failed", "disabled"])
def test_nothing_but_cancelled_can_be_set_while_in_flight(house, boss, status):
    house.file("song.mp3", boss)
    request_id = house.ask("POST", WISH, by=boss).json()["request_id"]

    assert said(house.ask("PATCH", PATH, by=boss, json={"status": status})) == (409, "invalid_transition")
    assert house.stored_file("song.mp3")["transcript_request_id"] == request_id

    answer = house.ask("PATCH", PATH, by=boss, json={"status": "cancelled", "error": "Not this one."})
    assert answer.json() == NOTHING | {"status": "cancelled", "error": "Not this one."}
    assert [sent.content["job_id"] for sent in house.queue.of_type("cancel")] == [request_id]


# ---- asking for a transcription, and thinking better of it -----------------------------------------------------------


def test_a_file_is_put_in_flight_with_one_job_and_one_message(house, john):
    house.file("song.mp3", john)

    first = house.ask("POST", WISH, by=john, json={"language": "de-DE"})
    second = house.ask("POST", WISH, by=house.user("mary"), json={})

    request_id = first.json()["request_id"]
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    shown = {"filename": "song.mp3", "status": "pending", "request_id": request_id, "queued": True}
    assert (first.status_code, first.json()) == (202, shown | {"already_queued": False})
    assert (second.status_code, second.json()) == (202, shown | {"already_queued": True})
    assert [sent.content for sent in house.queue.every] == [{"v": 1, "kind": "transcribe", "job_id": request_id}]
    assert house.ask("GET", PATH, by=john).json() == NOTHING | {"queued": True}
    assert house.item(tables.JOB.key(job_id=request_id)) == {
        "PK": f"JOB#{request_id}", "SK": "JOB", "GSI1PK": "JOB", "GSI1SK": f"{NOW}#{request_id}", "entity": "job",
        "job_id": request_id, "kind": "transcribe", "job_state": "queued", "filename": "song.mp3", "created_at": NOW,
        "language": "de-DE", "requested_by": john.user_id, "attempts": 0,
    }  # fmt: skip


def test_twenty_at_once_make_one_job(house, john):
    house.file("song.mp3", john)

    answers = house.all_at_once(*[lambda: house.ask("POST", WISH, by=john)] * 20, threads=20)

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert Counter(answer.json()["already_queued"] for answer in answers) == {False: 1, True: 19}
    assert len(house.queue.every) == 1
    assert sum(item["entity"] == "job" for item in house.items()) == 1


def test_a_transcript_is_made_anew_only_by_force(house, john):
    house.file("song.mp3", john)
    house.ask("PUT", PATH, by=john, json={"text": "hello"})

    assert said(house.ask("POST", WISH, by=john)) == (409, "transcript_exists")
    assert said(house.ask("POST", WISH, by=john, json={"force": False})) == (409, "transcript_exists")
    assert house.queue.every == []
    assert house.ask("POST", WISH, by=john, json={"force": True}).status_code == 202
    now = house.ask("GET", PATH, by=john).json()
    assert (now["status"], now["queued"], now["transcript"]) == ("pending", True, "hello")


@pytest.mark.parametrize("status", ["failed", "cancelled", "disabled"])
def test_a_file_without_text_is_asked_for_again(house, john, status):
    house.file("song.mp3", john, transcript_status=status, transcript_error="Something.")

    assert house.ask("POST", WISH, by=john).json()["already_queued"] is False
    assert house.ask("GET", PATH, by=john).json() == NOTHING | {"queued": True}


def test_nothing_is_asked_of_a_file_whose_audio_is_not_here(house, john):
    house.file("song.mp3", john, object_key=None)

    assert said(house.ask("POST", WISH, by=john)) == (409, "audio_object_missing")
    house.ask("PUT", PATH, by=john, json={"text": "hello"})
    assert said(house.ask("POST", WISH, by=john)) == (409, "transcript_exists")
    assert said(house.ask("POST", WISH, by=john, json={"force": True})) == (409, "audio_object_missing")
    assert house.queue.every == []


@pytest.mark.parametrize("settings", [{"transcription_provider": "none"}, {"transcription_enabled": False}])
def test_nothing_is_asked_where_transcription_is_switched_off(new_house, settings):
    house = new_house(**settings)
    john = house.user("john")
    house.file("song.mp3", john)

    answer = house.ask("POST", WISH, by=john)

    assert said(answer) == (503, "transcription_disabled")
    assert "Retry-After" not in answer.headers
    assert house.queue.every == []


def test_a_queue_that_is_away_costs_the_wish_nothing(house, john):
    house.file("song.mp3", john)
    house.queue.is_down = True

    answer = house.ask("POST", WISH, by=john)

    assert answer.status_code == 202
    assert house.item(tables.JOB.key(job_id=answer.json()["request_id"]))["job_state"] == "queued"


@pytest.mark.parametrize("body", [{"force": "perhaps"}, {"language": "autobahn!"}, {"soon": True}, []])
def test_a_wish_that_nobody_understands_is_refused(house, john, body):
    house.file("song.mp3", john)

    assert said(house.ask("POST", WISH, by=john, json=body)) == (422, "validation_error")


def test_what_is_in_flight_is_stopped_by_anybody_and_only_once(house, john):
    house.file("song.mp3", john)
    request_id = house.ask("POST", WISH, by=john).json()["request_id"]
    mary = house.user("mary")

    answer = house.ask("POST", f"{PATH}/cancel", by=mary)

    assert (answer.status_code, answer.json()) == (200, {"filename": "song.mp3", "status": "cancelled"})
    assert said(house.ask("POST", f"{PATH}/cancel", by=mary)) == (409, "transcription_not_in_flight")
    assert house.ask("GET", PATH, by=john).json() == NOTHING | {"status": "cancelled"}
    job = house.item(tables.JOB.key(job_id=request_id))
    assert (job["job_state"], job["finished_at"]) == ("done", NOW)
    assert job["expires_at"] == 1736929800 + 30 * 86_400
    assert not job.keys() & {"GSI1PK", "GSI1SK"}


def test_a_text_cannot_be_removed_while_another_is_in_flight(house, john):
    house.file("song.mp3", john)
    house.ask("PUT", PATH, by=john, json={"text": "hello"})
    house.ask("POST", WISH, by=john, json={"force": True})

    assert said(house.ask("DELETE", PATH, by=john)) == (409, "transcription_in_flight")
    assert house.ask("GET", PATH, by=john).json()["transcript"] == "hello"
