"""Where audio is fetched from: addresses of an hour, and the links that players follow without signing in."""

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import PlayLink
from tests.support.played import HeldSecret
from tests.support.yoto_smart_stream import ORIGIN, PUBLIC_URL, PlayedHouse
from tests.support.yoto_uploads import MP3

NAME = '\u00c9pisode #1 "a"; \U0001f419.mp3'
PATH = "/api/audio/%C3%89pisode%20%231%20%22a%22%3B%20%F0%9F%90%99.mp3"


def fetch(method: str, url: str, **headers: str) -> httpx.Response:
    return httpx.request(method, url, headers=headers, trust_env=False)


def link_of(house: PlayedHouse, by, path: str = "/api/audio/a.mp3") -> str:
    """The path of a new link."""
    answer = house.ask("POST", f"{path}/play-link", by=by)
    assert answer.status_code == 201, answer.text
    url = answer.json()["play_url"]
    assert answer.json() == {"play_url": url}
    assert url.startswith(f"{PUBLIC_URL}/play/")
    return str(url.removeprefix(PUBLIC_URL))


def test_an_address_reads_the_audio_for_an_hour_and_in_parts(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    studio.brought(john, NAME)

    with house.counted() as requests:
        answer = house.ask("GET", f"{PATH}/url", by=house.user("mary"))

    assert requests == {"GetItem": 2}
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body == {"url": body["url"], "expires_at": "2025-01-15T09:30:00.000000Z"}
    whole = fetch("GET", body["url"])
    assert (whole.status_code, whole.content, whole.headers["Content-Type"]) == (200, MP3, "audio/mpeg")
    assert whole.headers["Content-Disposition"] == (
        "inline; filename*=UTF-8''%C3%89pisode%20#1%20%22a%22%3B%20%F0%9F%90%99.mp3"
    )
    part = fetch("GET", body["url"], Range="bytes=0-3")
    assert (part.status_code, part.content) == (206, MP3[:4])
    assert fetch("GET", body["url"].replace("Expires=3600", "Expires=7200")).status_code == 403


def test_a_link_plays_without_signing_in_until_it_is_ended(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    studio.brought(john)
    stored = house.stored_file("a.mp3")
    assert stored is not None
    path = link_of(house, john)

    with house.counted() as requests:
        answer = house.ask("GET", path)
    assert requests == {"GetItem": 2}
    assert (answer.status_code, answer.headers["Cache-Control"], answer.content) == (307, "no-store", b"")
    assert fetch("GET", answer.headers["Location"]).content == MP3
    assert house.ask("GET", "/api/audio/a.mp3/play-link", by=house.user("mary")).json()["play_url"] == PUBLIC_URL + path

    assert house.ask("DELETE", "/api/audio/a.mp3/play-link", by=john).status_code == 204
    ended = house.ask("GET", path)
    assert (ended.status_code, ended.json()["code"]) == (404, "link_not_found")
    missing = house.ask("GET", "/api/audio/a.mp3/play-link", by=john)
    assert (missing.status_code, missing.json()["code"]) == (404, "link_not_found")
    with house.counted() as requests:
        assert house.ask("DELETE", "/api/audio/a.mp3/play-link", by=john).status_code == 204
    assert requests == {"GetItem": 2}, "there is none to end"

    path = link_of(house, john)
    house.queue.take()
    assert house.ask("DELETE", "/api/audio/a.mp3", by=john).status_code == 204
    assert house.ask("GET", path).status_code == 404
    house.drain()
    assert studio.content(stored["object_key"]) is None
    assert not [each for each in house.items() if each["PK"].startswith(("AUDIO#", "PLAY#"))]


def test_a_head_is_redirected_to_where_a_head_is_answered(new_studio):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    studio.brought(john)
    path, before = link_of(house, john), house.items()

    for method in ("GET", "HEAD"):
        answer = house.ask(method, path)
        assert (answer.status_code, answer.content) == (307, b"")
        found = fetch(method, answer.headers["Location"])
        assert (found.status_code, found.headers["Content-Length"]) == (200, str(len(MP3)))
    assert house.items() == before


def test_what_follows_a_dot_is_left_aside(new_studio):
    studio = new_studio()
    studio.brought(john := studio.house.user("john"))
    path = link_of(studio.house, john)
    for ending in (".mp3", ".m3u8", ".", ".a.b.c"):
        assert studio.house.ask("GET", path + ending).status_code == 307, ending


def test_forged_and_foreign_tokens_are_all_the_same(new_house):
    house = new_house()
    john = house.user("john")
    house.file("a.mp3", john)
    token = link_of(house, john).rsplit("/", 1)[1]
    assert len(token) == 32
    house.put_items(
        tables.PLAY_LINK.item(PlayLink("o" * 32, "a.mp3")),  # one that its file does not have
        tables.PLAY_LINK.item(PlayLink("g" * 32, "gone.mp3")),
    )
    said = []
    for text in (
        "x", token[:-1], token + "x", token.swapcase(), "o" * 32, "g" * 32, "." + token, "n" * 32,
        "\u00e9" * 16, token[:-1] + "%2523",
    ):  # fmt: skip
        answer = house.ask("GET", f"/play/{text}")
        said.append((answer.status_code, {**answer.json(), "request_id": ""}))
    detail = "There is no such link"
    assert said == [(404, {"detail": detail, "code": "link_not_found", "request_id": ""})] * 10
    with house.counted() as requests:
        house.ask("GET", "/play/x")
        house.ask("GET", f"/play/{token}%0A")
    assert requests == {}
    for path in ("/play/", f"/play/{token}/x", f"/play/..%2F{token}"):
        assert house.ask("GET", path).status_code == 404
    assert house.ask("POST", f"/play/{token}").status_code == 405


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://elsewhere.test", "*"), ("null", "*"), (ORIGIN, ORIGIN), (None, "*")]
)
def test_pages_of_any_origin_may_follow_a_link(new_studio, origin, allowed):
    house = new_studio().house
    john = house.user("john")
    house.file("a.mp3", john)
    headers = {} if origin is None else {"Origin": origin, "Range": "bytes=0-1"}

    answer = house.ask("GET", link_of(house, john), headers=headers)

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (307, allowed)
    exposed = {each.strip() for each in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"Content-Range", "Accept-Ranges", "Content-Length", "ETag"} <= exposed
    assert "Origin" in {each.strip() for each in ",".join(answer.headers.get_list("Vary")).split(",")}
    assert "Access-Control-Allow-Credentials" not in answer.headers
    refused = house.ask("GET", "/api/audio/a.mp3", by=john, headers=headers)
    assert refused.headers.get("Access-Control-Allow-Origin") == (ORIGIN if origin == ORIGIN else None)


def test_a_new_link_ends_the_one_before(new_studio):
    house = new_studio().house
    john = house.user("john")
    house.file("a.mp3", john)
    first = link_of(house, john)
    house.clock.forward(minutes=1)

    with house.counted() as requests:
        second = link_of(house, john)

    assert requests == {"GetItem": 2, "TransactWriteItems": 1}
    assert [house.ask("GET", path).status_code for path in (first, second)] == [404, 307]
    assert [each["PK"] for each in house.items() if each["PK"].startswith("PLAY#")] == [
        f"PLAY#{second.rsplit('/', 1)[1]}"
    ]
    stored = house.stored_file("a.mp3")
    assert stored is not None
    assert (stored["version"], stored["updated_at"]) == (3, "2025-01-15T08:31:00.123000Z")


def test_links_made_at_once_leave_one(new_studio):
    house = new_studio().house
    john = house.user("john")
    house.file("a.mp3", john)
    token = house.token(john)
    headers = {"Authorization": f"Bearer {token}"}
    answers = house.all_at_once(
        *([lambda: house.api.post("/api/audio/a.mp3/play-link", headers=headers)] * 20), threads=20
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer.json()["play_url"].removeprefix(PUBLIC_URL) for answer in answers if answer.status_code == 201]
    assert made
    assert [house.ask("GET", path).status_code for path in made].count(307) == 1
    assert len([each for each in house.items() if each["PK"].startswith("PLAY#")]) == 1


def test_only_owner_and_administrators_make_and_end_links(new_house):
    house = new_house()
    john, mary, boss = house.user("john"), house.user("mary"), house.admin()
    house.file("a.mp3", john)
    house.file("old.mp3")
    for name, by, status in (
        ("a.mp3", mary, 403),
        ("old.mp3", john, 403),
        ("old.mp3", boss, 201),
        ("a.mp3", boss, 201),
    ):
        answer = house.ask("POST", f"/api/audio/{name}/play-link", by=by)
        assert answer.status_code == status, (name, by.username)
        assert status == 201 or answer.json()["code"] == "not_owner"
    assert house.ask("DELETE", "/api/audio/a.mp3/play-link", by=mary).json()["code"] == "not_owner"
    assert house.ask("DELETE", "/api/audio/a.mp3/play-link", by=john).status_code == 204
    assert house.ask("POST", "/api/audio/gone.mp3/play-link", by=john).json()["code"] == "audio_not_found"


def test_a_file_whose_audio_was_never_moved_here_cannot_be_played(new_house):
    house = new_house()
    john = house.user("john")
    house.file("old.mp3", john, object_key=None)
    path = link_of(house, john, "/api/audio/old.mp3")
    for answer in (house.ask("GET", "/api/audio/old.mp3/url", by=john), house.ask("GET", path)):
        assert (answer.status_code, answer.json()["code"]) == (409, "audio_object_missing")


def test_neither_tokens_nor_signed_addresses_are_logged(new_studio, caplog):
    studio = new_studio()
    house, john = studio.house, studio.house.user("john")
    caplog.set_level("DEBUG", logger="lambda_src")
    ticket = studio.brought(john)
    path = link_of(house, john)
    location = house.ask("GET", path).headers["Location"]
    assert house.ask("GET", "/api/health").status_code == 200, "by now the request before has its line"

    said = "\n".join(str(vars(each)) for each in caplog.records if each.name.startswith("lambda_src"))
    assert "/play/{token}" in said
    secrets = (path.rsplit("/", 1)[1], location.rsplit("=", 1)[1], ticket["upload"]["fields"]["x-amz-signature"])
    assert not [each for each in secrets if each in said]


def test_with_a_distribution_addresses_are_its_own(new_house):
    key = rsa.generate_private_key(65_537, 2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    house = new_house(
        media_base_url="https://media.yoto.test", cloudfront_key_pair_id="K2",
        cloudfront_private_key_secret_arn="media", more_secrets={"media": HeldSecret({"private_key": text})},
    )  # fmt: skip
    john = house.user("john")
    file = house.file("a.mp3", john)

    answer = house.ask("GET", "/api/audio/a.mp3/url", by=john).json()

    assert answer["expires_at"] == "2025-01-15T09:30:00.000000Z"
    assert answer["url"].startswith(f"https://media.yoto.test/{file.object_key}?Expires=1736933400&Signature=")
    played = house.ask("GET", link_of(house, john))
    assert (played.status_code, played.headers["Location"]) == (307, answer["url"])


@pytest.mark.parametrize(
    "held", [{"private_key": "none"}, {}, {"private_key": ""}], ids=["no-key", "not-there", "empty"]
)
def test_a_distribution_whose_key_cannot_sign_is_a_matter_of_configuration(new_house, held):
    house = new_house(
        media_base_url="https://media.yoto.test", cloudfront_key_pair_id="K2",
        cloudfront_private_key_secret_arn="media", more_secrets={"media": HeldSecret(held)},
    )  # fmt: skip
    john = house.user("john")
    house.file("a.mp3", john)

    for answer in (house.ask("GET", "/api/audio/a.mp3/url", by=john), house.ask("GET", link_of(house, john))):
        assert (answer.status_code, answer.json()["code"]) == (503, "configuration_error")
        assert "Retry-After" not in answer.headers
