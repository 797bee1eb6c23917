"""Files of the library one by one, and their end."""

from urllib.parse import quote

import pytest

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, PlayLink, Transcript
from tests.support.stepping import Steps, stepped_client

NOW = "2025-01-15T08:30:00.123000Z"
OCTOPUS = "\u00c9pisode #1 \U0001f419.mp3"


def test_names_that_differ_in_case_or_by_a_sign_are_files_of_their_own(new_house):
    house = new_house()
    john = house.user("john")
    for number, name in enumerate(("A.mp3", "a.mp3", OCTOPUS, "a b+c&d?.mp3")):
        house.file(name, size=number + 1)
    for number, name in enumerate(("A.mp3", "a.mp3", OCTOPUS, "a b+c&d?.mp3")):
        answer = house.ask("GET", f"/api/audio/{quote(name, safe='')}", by=john)
        assert (answer.json()["filename"], answer.json()["size"]) == (name, number + 1)


def test_a_path_may_spell_a_name_in_another_form_of_unicode(new_house):
    house = new_house()
    house.file(OCTOPUS)
    decomposed = OCTOPUS.replace("\u00c9", "E\u0301")

    answer = house.ask("GET", f"/api/audio/{quote(decomposed)}", by=house.user("john"))
    assert answer.json()["filename"] == OCTOPUS


@pytest.mark.parametrize(
    "path",
    [
        "..%2F..%2Fx", "%2e%2e%2fa.mp3", "a.mp3%0A", "a.mp3%20", "%20a.mp3", "a.mp3%00", "a%00.mp3", "%E2%80%AEa.mp3",
        "a.mp3%2F", "A.MP3", "a%252Emp3", "a.mp", "%EF%BF%BDa.mp3", "%ED%A0%80.mp3", "a.mp3%23x", "x" * 300 + ".mp3",
        "%FF.mp3",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("GET", "/url"), ("POST", "/play-link")])
def test_what_is_no_name_of_a_file_is_not_found(new_house, path, method, rest):
    house = new_house()
    house.file("a.mp3")
    before = house.items()
    boss = house.admin()

    answer = house.ask(method, f"/api/audio/{path}{rest}", by=boss)

    assert answer.status_code == 404, answer.text
    assert answer.json()["code"] in {"audio_not_found", "not_found"}
    assert [each for each in house.items() if each.get("entity") == "audio"] == before


def test_only_who_signed_in_sees_anything(new_house):
    house = new_house()
    house.file("a.mp3")
    fresh = house.user("fresh", must_change_password=True)
    for method, path in (
        ("GET", "/api/audio"), ("GET", "/api/audio/search?q=a"), ("GET", "/api/audio/a.mp3"),
        ("DELETE", "/api/audio/a.mp3"), ("GET", "/api/audio/a.mp3/url"), ("GET", "/api/audio/a.mp3/play-link"),
        ("POST", "/api/audio/a.mp3/play-link"), ("DELETE", "/api/audio/a.mp3/play-link"),
    ):  # fmt: skip
        assert house.ask(method, path).status_code == 401, path
        assert house.ask(method, path, by=fresh).json()["code"] == "password_change_required"


# ---- deletion --------------------------------------------------------------------------------------------------------


def test_a_file_goes_with_its_text_and_its_link_and_its_object_is_noted_for_deletion(new_house):
    house = new_house()
    john = house.user("john")
    file = house.file("a.mp3", john, play_token="t" * 32)
    house.put_items(
        tables.TRANSCRIPT.item(Transcript("a.mp3", "hello")), tables.PLAY_LINK.item(PlayLink("t" * 32, "a.mp3"))
    )
    kept = house.file("b.mp3", john)

    with house.counted() as requests:
        answer = house.ask("DELETE", "/api/audio/a.mp3", by=john)

    assert (answer.status_code, answer.content) == (204, b"")
    assert requests == {"GetItem": 2, "TransactWriteItems": 1}
    left = [each for each in house.items() if each["PK"].startswith(("AUDIO#", "PLAY#", "JOB#"))]
    [job] = [each for each in left if each["entity"] == "job"]
    assert [each["PK"] for each in left if each is not job] == [f"AUDIO#{kept.filename}"]
    assert job == {
        "PK": f"JOB#{job['job_id']}", "SK": "JOB", "GSI1PK": "JOB", "GSI1SK": f"{NOW}#{job['job_id']}",
        "entity": "job", "job_id": job["job_id"], "kind": "purge", "job_state": "queued", "filename": "a.mp3",
        "object_keys": [file.object_key], "attempts": 0, "created_at": NOW,
    }  # fmt: skip
    [sent] = house.queue.take()
    assert sent.content == {"v": 1, "kind": "purge", "job_id": job["job_id"]}
    assert house.ask("GET", "/api/audio/a.mp3", by=john).json()["code"] == "audio_not_found"
    assert house.ask("DELETE", "/api/audio/a.mp3", by=john).json()["code"] == "audio_not_found"
    assert house.ask("GET", f"/play/{'t' * 32}").json()["code"] == "link_not_found"


def test_a_file_without_an_object_leaves_nothing_to_do(new_house):
    house = new_house()
    house.file("old.mp3", object_key=None)

    assert house.ask("DELETE", "/api/audio/old.mp3", by=house.admin()).status_code == 204

    assert {each.get("entity") for each in house.items()} == {"user", "user_id_claim", "id_counter", "admin_guard"}
    assert not house.queue.take()


def test_whoever_is_transcribing_a_file_hears_that_it_is_gone(new_house):
    house = new_house()
    john = house.user("john")
    house.file("a.mp3", john, object_key=None, transcript_status="processing", transcript_request_id="f" * 32)

    assert house.ask("DELETE", "/api/audio/a.mp3", by=john).status_code == 204

    assert [sent.content for sent in house.queue.take()] == [{"v": 1, "kind": "cancel", "job_id": "f" * 32}]


def test_a_deletion_stands_though_no_message_can_be_sent(new_house):
    house = new_house()
    john = house.user("john")
    house.file("a.mp3", john)
    house.queue.is_down = True

    assert house.ask("DELETE", "/api/audio/a.mp3", by=john).status_code == 204
    assert [each["job_state"] for each in house.items() if each.get("entity") == "job"] == ["queued"]


def test_only_the_uploader_and_administrators_delete_a_file(new_house):
    house = new_house()
    john, mary, boss = house.user("john"), house.user("mary"), house.admin()
    for name, by in (("johns.mp3", john), ("old.mp3", None), ("other.mp3", john)):
        house.file(name, by)

    for name, by, status in (
        ("johns.mp3", mary, 403), ("old.mp3", mary, 403), ("old.mp3", john, 403), ("johns.mp3", john, 204),
        ("old.mp3", boss, 204), ("other.mp3", boss, 204),
    ):  # fmt: skip
        answer = house.ask("DELETE", f"/api/audio/{name}", by=by)
        assert answer.status_code == status, (name, by.username)
        assert status == 204 or answer.json()["code"] == "not_owner"


@pytest.mark.parametrize(("changes", "code"), [(2, None), (3, "conflict")])
def test_a_deletion_looks_again_when_the_file_was_changed_meanwhile_three_times(new_house, changes, code):
    house = new_house()
    john = house.user("john")
    house.file("a.mp3", john)
    left = [changes]

    def change(_step: int, name: str) -> None:
        if name == "TransactWriteItems" and left[0]:
            left[0] -= 1
            house.client.update_item(
                TableName=house.names["main"], Key={"PK": {"S": "AUDIO#a.mp3"}, "SK": {"S": "METADATA"}},
                UpdateExpression="ADD version :one", ExpressionAttributeValues={":one": {"N": "1"}},
            )  # fmt: skip

    other = type(house)(
        client=house.client, names=house.names, engine=stepped_client(house.client, Steps(change)), clock=house.clock
    )
    try:
        answer = other.ask("DELETE", "/api/audio/a.mp3", by=john)
    finally:
        other.stop()
    assert answer.status_code == (204 if code is None else 409)
    assert code is None or answer.json()["code"] == code
    assert (house.stored_file("a.mp3") is None) is (code is None)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "", None),
        ("POST", "/play-link", None),
        ("PUT", "/transcript", {"text": "mine"}),
        ("DELETE", "/transcript", None),
    ],
    ids=["delete", "link", "text", "no text"],
)
def test_a_file_that_took_the_name_of_one_of_mine_meanwhile_is_not_mine(new_house, method, path, body):
    house = new_house()
    john, mary = house.user("john"), house.user("mary")
    house.file("a.mp3", john)
    hers: list[AudioFileRecord] = []

    def take_the_name(_step: int, name: str) -> None:
        if name == "TransactWriteItems" and not hers:
            house.clock.forward(seconds=1)
            hers.append(house.file("a.mp3", mary))

    other = type(house)(
        client=house.client, names=house.names, engine=stepped_client(house.client, Steps(take_the_name)),
        clock=house.clock,
    )  # fmt: skip
    try:
        answer = other.ask(method, f"/api/audio/a.mp3{path}", by=john, json=body)
    finally:
        other.stop()
    assert (answer.status_code, answer.json()["code"]) == (403, "not_owner")
    assert house.stored_file("a.mp3") == dict(tables.AUDIO.item(hers[0]))
