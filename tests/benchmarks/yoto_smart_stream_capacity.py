"""Capacity figures of Yoto Smart Stream: requests of every kind, and the way from upload to text."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from cdk_app.local.ministack import local_session
from lambda_src.runtime.transcribe import TranscribeClient
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.tables import stored_text
from tests.benchmarks import comparing, example_library
from tests.benchmarks.comparing import Cost, Meter, Question, Section
from tests.benchmarks.example_library import FILES, LONG, LONG_TEXT, SHOWN, TEXT, TEXT_BYTES, USERS, ZEBRA
from tests.benchmarks.scanned_library import ScannedLibrary
from tests.support.played import Sent, TestClock
from tests.support.transcribe_stand_in import Play, TranscribeStandIn
from tests.support.yoto_accounts import PASSWORD
from tests.support.yoto_smart_stream import Json, PlayedHouse
from tests.support.yoto_transcripts import Speech, event
from tests.support.yoto_uploads import MP3, PDF, event_of, send_form

PAGE: Final = 100
SCAN_PAGES: Final = 26
LOST: Final = 10  # messages


@dataclass(frozen=True, slots=True)
class Scene:
    """The service over the example, what it replaces over the same, and who asks.

    tickets, tokens: what requests were answered with, for those that follow.
    """

    house: PlayedHouse
    speech: Speech
    reference: ScannedLibrary
    users: dict[str, UserRecord]
    clock: TestClock
    tickets: dict[str, Json] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Json | None = None, **params: Any) -> Json:
        """What an administrator is answered, a second after what was asked before: index entries change with it."""
        self.clock.forward(seconds=1)
        answer = self.house.ask(method, path, by=self.users["boss"], json=body, params=params)
        assert answer.is_success or answer.is_redirect, answer.text
        found: Json = {} if answer.is_redirect or not answer.content else answer.json()
        return found

    def done(self, method: str, path: str, body: Json | None = None) -> int:
        """Make a change. Returns 1."""
        self.ask(method, path, body)
        return 1

    # ---- from upload to text -----------------------------------------------------------------------------------------

    def ticket(self, filename: str, **asked: Any) -> int:
        self.tickets[filename] = self.ask("POST", "/api/audio/uploads", {"filename": filename, "size": 1, **asked})
        return 1

    def announced(self, filename: str, content: bytes = MP3) -> Sent:
        """What was uploaded with a ticket, as the worker hears of it."""
        ticket = self.tickets[filename]
        assert send_form(ticket, content).status_code == 204
        return event_of("audio", ticket["upload"]["fields"]["key"])

    def taken_in(self, filename: str, content: bytes = MP3) -> int:
        return self._deliver(self.announced(filename, content))

    def worked(self) -> int:
        """Whatever waits on the queue."""
        return self._deliver(*self.house.queue.take())

    def ended(self) -> int:
        """The provider ends with its newest job."""
        return self._deliver(event(self.speech.transcribe.finish(list(self.speech.transcribe.jobs)[-1])))

    def from_upload_to_text(self, filename: str) -> int:
        self.ticket(filename)
        return self.taken_in(filename) + self.worked() + self.ended()

    def _deliver(self, *messages: Sent) -> int:
        self.clock.forward(seconds=1)
        assert self.house.deliver(*messages) == []
        return len(messages)


def section(endpoint_url: str) -> Section:
    """Everything that is measured of this service. About 60 s."""
    with _example(endpoint_url) as (scene, meter):
        read, written, signing, worked = (
            [comparing.measure(question, meter) for question in questions(scene)]
            for questions in (reads, writes, sign_in_steps, work)  # one after the other, as they follow each other
        )
    costs = {"Read": read, "Write": written, "Sign-in": signing, "From upload to text": worked}
    figures = {
        "example": {"files": FILES, "users": USERS, "text_kb": TEXT_BYTES // 1000},
        "requests": comparing.as_data([*read, *written, *signing, *worked]),
    }
    return Section("yoto_smart_stream", _text(costs), figures)


@contextmanager
def _example(endpoint_url: str) -> Iterator[tuple[Scene, Meter]]:
    client, names, meter = comparing.empty_tables(endpoint_url, tables.TABLES)
    clock = TestClock()
    with example_library.storage() as objects:

        def put(_bucket: str, key: str, content: bytes) -> None:
            objects.put(key, content, content_type="application/json")

        with TranscribeStandIn(put) as provider:
            transcribe = local_session().client("transcribe", endpoint_url=provider.url)
            house = PlayedHouse(client=client, names=names, clock=clock, engine=meter, objects=lambda _: objects)
            try:
                users = example_library.write(house, clock)
                speech = Speech(house, provider, lambda: TranscribeClient(lambda: transcribe), objects)
                scene = Scene(house, speech, ScannedLibrary(meter, names["main"]), users, clock)
                warm_up(scene)
                yield scene, meter
            finally:
                house.stop()
                transcribe.close()


def warm_up(scene: Scene) -> None:
    """What a process does once, it has done."""
    scene.ask("GET", "/api/audio", limit=1)
    sign_in(scene, "admin")
    scene.from_upload_to_text("warm.mp3")
    scene.ask("DELETE", "/api/audio/warm.mp3")
    scene.worked()
    scene.speech.transcribe.play_in_order(*[Play(text=TEXT)] * 20)


# ---- the API ---------------------------------------------------------------------------------------------------------


def reads(scene: Scene) -> list[Question]:
    """Questions that change nothing."""
    ask, reference = scene.ask, scene.reference
    link = ask("POST", f"/api/audio/{quote(SHOWN)}/play-link")["play_url"].rpartition("/")[2]

    def items(path: str, **params: Any) -> int:
        return len(ask("GET", path, **params)["items"])

    def found(text: str, **params: Any) -> int:
        """By following the cursors."""
        page = ask("GET", "/api/audio/search", q=text, **params)
        count = len(page["items"])
        while page["next_cursor"]:
            page = ask("GET", "/api/audio/search", q=text, cursor=page["next_cursor"], **params)
            count += len(page["items"])
        return count

    def one(path: str) -> int:
        return len([ask("GET", path)])

    def characters(name: str) -> int:
        return int(ask("GET", f"/api/audio/{quote(name)}/transcript")["chars"])

    boss = scene.users["boss"].user_id
    every = reference.list_audio_files
    return [
        Question(f"list, first {PAGE} of {FILES:,}", partial(items, "/api/audio", limit=PAGE), PAGE, every, FILES),
        Question(
            "search, one page: 1,000 names looked at, none found",
            partial(items, "/api/audio/search", q="zebra"),
            0,
            partial(reference.search_audio_files, "zebra"),
            1,
        ),
        Question(
            f"search, the last of {FILES:,} names, 3 pages",
            partial(found, "zebra"),
            1,
            partial(reference.search_audio_files, "zebra"),
        ),
        Question(
            "search, one page: 50 of 2,498 found",
            partial(items, "/api/audio/search", q="number"),
            50,
            partial(reference.search_audio_files, "number"),
            FILES - 2,
        ),
        Question("search by the beginning, 1 found", partial(found, "zeb", match="prefix"), 1),
        Question("a file", partial(one, f"/api/audio/{quote(SHOWN)}"), 1),
        Question("a file with its text of 10 KB", partial(characters, SHOWN), len(TEXT)),
        Question("a file with its text of 500 KB", partial(characters, LONG), len(LONG_TEXT)),
        Question("address of the audio", partial(one, f"/api/audio/{quote(SHOWN)}/url"), 1),
        Question("its play link", partial(one, f"/api/audio/{quote(SHOWN)}/play-link"), 1),
        Question("play", lambda: scene.house.ask("GET", f"/play/{link}").status_code, 307),
        Question("me", partial(one, "/api/user/me"), 1),
        Question(f"users, 50 of {USERS}", partial(items, "/api/admin/users"), 50, reference.list_users, USERS),
        Question("a user by id", partial(one, f"/api/admin/users/{boss}"), 1, partial(reference.get_user_by_id, boss)),
        Question("settings", partial(one, "/api/settings"), 1),
        Question("readiness", lambda: len([scene.house.ask("GET", "/api/ready")]), 1),
    ]


def writes(scene: Scene) -> list[Question]:
    """Questions that change something, in an order in which they can be asked."""
    done = scene.done
    file = f"/api/audio/{quote(SHOWN)}"
    users, text = "/api/admin/users", f"{file}/transcript"
    new = {"username": "newcomer", "password": "seven loud yellow doors", "email": "newcomer@example.com"}
    ids: list[int] = []

    def create() -> int:
        ids.append(scene.ask("POST", users, new)["id"])
        return 1

    def change(body: Json | None, method: str = "PATCH") -> int:
        return done(method, f"{users}/{ids[0]}", body)

    return [
        Question("create a user", create, 1),
        Question("change a user: password", partial(change, {"password": PASSWORD}), 1),
        Question("change a user: address", partial(change, {"email": "other@example.com"}), 1),
        Question("change a user: administrator", partial(change, {"is_admin": True}), 1),
        Question("delete a user", partial(change, None, "DELETE"), 1),
        Question("change a setting", partial(done, "PUT", "/api/settings/transcription_enabled", {"value": "on"}), 1),
        Question("replace the play link", partial(done, "POST", f"{file}/play-link"), 1),
        Question("end the play link", partial(done, "DELETE", f"{file}/play-link"), 1),
        Question("make a play link", partial(done, "POST", f"{file}/play-link"), 1),
        Question("write a text of 10 KB by hand", partial(done, "PUT", text, {"text": TEXT}), 1),
        Question("remove a text of 10 KB", partial(done, "DELETE", text), 1),
        Question("set the status of a text", partial(done, "PATCH", text, {"status": "failed"}), 1),
        Question("have a file transcribed", partial(done, "POST", f"{file}/transcribe", {}), 1),
        Question("cancel that", partial(done, "POST", f"{text}/cancel"), 1),
        Question("delete a file with a text of 10 KB", partial(done, "DELETE", f"/api/audio/{quote(ZEBRA)}"), 1),
    ]


def sign_in(scene: Scene, name: str, password: str = PASSWORD) -> int:
    answer = scene.house.api.post("/api/user/login", json={"username": name, "password": password})
    scene.tokens[name] = answer.json().get("refresh_token", "")
    return answer.status_code


def sign_in_steps(scene: Scene) -> list[Question]:
    """Signing in, going on, and leaving; the first failure opens a window."""

    def refresh() -> int:
        answer = scene.house.api.post("/api/user/refresh", json={"refresh_token": scene.tokens["admin"]})
        scene.tokens["admin"] = answer.json()["refresh_token"]
        return answer.status_code

    def leave() -> int:
        return scene.house.api.post("/api/user/logout", json={"refresh_token": scene.tokens["admin"]}).status_code

    return [
        Question("sign in", partial(sign_in, scene, "admin"), 200),
        Question("refresh", refresh, 200),
        Question("sign out", leave, 204),
        Question("sign in with a hash of the product before", partial(sign_in, scene, "old"), 200),
        Question("sign in with a wrong password", partial(sign_in, scene, "admin", "wrong"), 401),
        Question("sign in as nobody", partial(sign_in, scene, "nobody_at_all", "wrong"), 401),
    ]


# ---- the worker ------------------------------------------------------------------------------------------------------


def work(scene: Scene) -> list[Question]:
    """What follows from an upload, step by step and as a whole; and what the sweep does."""
    house = scene.house
    house.drain()  # what the requests before have left

    def sweep() -> int:
        house.scheduled("sweep")
        return len(house.queue.take())

    def lose() -> int:
        for number in range(LOST):
            scene.ticket(f"lost {number}.mp3")
            scene.taken_in(f"lost {number}.mp3")
        scene.clock.forward(minutes=11)
        return len(house.queue.take())

    return [
        Question("ticket for an upload", partial(scene.ticket, "a.mp3"), 1),
        Question("upload taken in", partial(scene.taken_in, "a.mp3"), 1),
        Question("the same event again", lambda: scene.house.deliver(scene.announced("a.mp3")) == [], 1),
        Question("transcription started", scene.worked, 1),
        Question("its text of 10 KB taken in", scene.ended, 1),
        Question("ticket for a replacement", partial(scene.ticket, "a.mp3", replace=True), 1),
        Question("replacement taken in, the text of 10 KB goes", partial(scene.taken_in, "a.mp3"), 1),
        Question("the old audio deleted, transcription started", scene.worked, 2),
        Question("its text of 10 KB taken in again", scene.ended, 1),
        Question("ticket for what is no audio", partial(scene.ticket, "b.mp3"), 1),
        Question("what is no audio rejected", partial(scene.taken_in, "b.mp3", PDF), 1),
        Question("from upload to text of 10 KB, all of it", partial(scene.from_upload_to_text, "c.mp3"), 3),
        Question("sweep that finds nothing", sweep, 0),
        Question(f"{LOST} uploads taken in, their messages lost", lose, LOST),
        Question(f"sweep that sends {LOST} messages again", sweep, LOST),
    ]


def _text(costs: dict[str, list[Cost]]) -> str:
    tables_ = "\n\n".join(comparing.cost_table(part, heading=heading) for heading, part in costs.items())
    return f"""## Yoto Smart Stream

The example has {FILES:,} files with texts of {TEXT_BYTES // 1000} KB, one of them with 500 KB, and {USERS} users.
What is replaced are the Scans of the store that the service began with, each read to its end.

{tables_}

- Every request but `play` and those of signing in begins with a consistent read of the account that asks.
- A Scan reads all texts to list names, and grows with whatever is in the table; the store that is replaced stopped at
  the first megabyte, 1 of {SCAN_PAGES} pages here, and took that for all there is.
- A search looks at 1,000 names for a page, 200 to a request. The last of {FILES:,} names is found on the third.
- Changes of a file do not read or write its text, which is an item beside it; a text costs 2 units per KB to write, as
  it is written in a transaction, and 0.25 to read. One of 500 KB is stored in {len(stored_text(LONG_TEXT)) // 1000} KB.
- The counters of failed attempts that a sign-in looks for are not there, of which the engine states nothing: AWS bills
  2 read units more for each sign-in.
- The CPU time of what is taken in holds that of the client that uploads. A password takes about 20 ms with the
  parameters of new hashes; the hash of the product before is checked once and then replaced.
- From upload to text there are three messages to the worker: of S3, of the service itself, and of Amazon Transcribe.
"""
