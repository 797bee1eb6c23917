"""Addresses that somebody else's document names: which may be called, and how the call is held to what was checked."""

import json
import time

import pytest

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer
from lambda_src.services.nbhd_city.errors import IdentityMismatch, SignInFailed, UpstreamTimeout, UpstreamUnavailable
from lambda_src.services.nbhd_city.models import Did
from lambda_src.services.nbhd_city.sign_in.dids import DidDirectory, Endpoint, Endpoints, is_public


def place(origin, addresses=("93.184.215.14",), **options):
    endpoints = Endpoints(allow_insecure=False, resolve=lambda _host: list(addresses), **options)
    return endpoints.endpoint(origin, timeout_seconds=2)


@pytest.mark.parametrize("origin", ["https://pds.example", "https://pds.example/", "https://PDS.example:443"])
def test_a_public_host_is_called_at_the_address_that_was_checked(origin):
    assert place(origin) == Endpoint("https://pds.example", "93.184.215.14")


def test_ipv4_comes_first():
    assert place("https://pds.example", ["2606:2800:21f::1", "93.184.215.14"]).address == "93.184.215.14"
    assert place("https://pds.example", ["2606:2800:21f::1"]).address == "2606:2800:21f::1"


@pytest.mark.parametrize(
    "origin",
    [
        "http://pds.example",
        "https://pds.example:8443",
        "https://pds.example/path",
        "https://pds.example?x",
        "https://pds.example#x",
        "https://user@pds.example",
        "https://127.0.0.1",
        "https://[::1]",
        "https://2130706433",
        "https://0x7f.1",
        "https://127.1",
        "https://1.2.3.4",
        "https://localhost",
        "https://pds",
        "https://pds.example.",
        "https://pds_1.example",
        "https://-pds.example",
        "https://pds.exämple",
        "https://" + "a." * 130 + "example",
        "https://pds.example:x",
        "https://[pds.example",
        "ftp://pds.example",
        "//pds.example",
        "",
    ],
)
def test_what_is_no_public_https_origin_is_refused_without_a_look_up(origin):
    endpoints = Endpoints(allow_insecure=False, resolve=lambda _host: pytest.fail("looked up"))
    with pytest.raises(IdentityMismatch):
        endpoints.endpoint(origin, timeout_seconds=2)


INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1%eth0",
    "fec0::1",
    "feff:ffff::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "100:0:0:1::1",
    "no address",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_not_everybody_can_reach_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2a00:1450::1", "2400:cb00::1"]
)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "::1"])
def test_one_address_inside_spoils_a_host(address):
    with pytest.raises(IdentityMismatch):
        place("https://pds.example", ["93.184.215.14", address])


def test_a_host_without_an_address_is_unavailable():
    def fail(_host):
        raise OSError("no such host")

    with pytest.raises(UpstreamUnavailable):
        Endpoints(allow_insecure=False, resolve=fail).endpoint("https://pds.example", timeout_seconds=2)


def test_a_resolver_that_hangs_is_waited_for_no_longer_than_there_is_time():
    def hang(_host):
        time.sleep(2)
        return []

    endpoints = Endpoints(allow_insecure=False, resolve=hang)
    started = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        endpoints.endpoint("https://pds.example", timeout_seconds=0.05)
    assert time.monotonic() - started < 1


# ---- from a DID to its issuer --------------------------------------------------------------------------------------


class RecordedHttp:
    """Answers by URL, and keeps the calls."""

    def __init__(self, **documents):
        self.documents = documents
        self.calls = []

    def exchange(self, base_url, call, *, provider):
        url = base_url + call.path
        self.calls.append((url, call.address))
        body = next((body for part, body in self.documents.items() if part in url), None)
        return Answer(404 if body is None else 200, {}, json.dumps(body).encode())


ISSUER = {"authorization_servers": ["https://bsky.social"]}


def document(did, endpoint="https://pds.example"):
    return {"id": did, "service": [{"id": f"{did}#other"}, {"id": "#atproto_pds", "serviceEndpoint": endpoint}]}


def issuer_of(did, http, resolve=lambda _host: ["93.184.215.14"]):
    endpoints = Endpoints(allow_insecure=False, resolve=resolve)
    directory = DidDirectory(http, endpoints, plc_directory_url="https://plc.directory/")
    return directory.issuer_of(Did(did), deadline=Deadline.after(5))


def test_every_host_that_a_document_names_is_called_at_its_checked_address():
    http = RecordedHttp(did=document("did:web:alice.example"), protected=ISSUER)
    assert issuer_of("did:web:alice.example", http) == "https://bsky.social"
    assert http.calls == [
        ("https://alice.example/.well-known/did.json", "93.184.215.14"),
        ("https://pds.example/.well-known/oauth-protected-resource", "93.184.215.14"),
    ]


def test_the_directory_of_did_plc_is_ours_to_name():
    http = RecordedHttp(plc=document("did:plc:alice"), protected=ISSUER)
    assert issuer_of("did:plc:alice", http) == "https://bsky.social"
    assert http.calls[0] == ("https://plc.directory/did:plc:alice", None)


def test_a_name_that_changes_its_meaning_is_checked_at_each_use():
    answers = iter([["93.184.215.14"], ["169.254.169.254"]])
    http = RecordedHttp(did=document("did:web:pds.example"), protected=ISSUER)
    with pytest.raises(IdentityMismatch):
        issuer_of("did:web:pds.example", http, resolve=lambda _host: next(answers))
    assert len(http.calls) == 1


@pytest.mark.parametrize(
    "did",
    [
        "did:web:alice.example:path",
        "did:web:alice.example%3A8443",
        "did:web:localhost%3A80",
        "did:web:10.0.0.1",
        "did:key:zQ3",
    ],
)
def test_a_did_that_leads_nowhere_public_is_refused_unasked(did):
    http = RecordedHttp()
    with pytest.raises(IdentityMismatch):
        issuer_of(did, http)
    assert http.calls == []


@pytest.mark.parametrize(
    "found",
    [
        None,
        {},
        {"id": "did:plc:bob", "service": document("did:plc:alice")["service"]},
        {"id": "did:plc:alice"},
        {"id": "did:plc:alice", "service": "x"},
        {"id": "did:plc:alice", "service": ["x", {"id": "#atproto_pds"}, {"id": "#atproto_pds", "serviceEndpoint": 5}]},
        document("did:plc:alice", endpoint="http://169.254.169.254/latest"),
        document("did:plc:alice", endpoint="https://10.0.0.1"),
    ],
)
def test_a_document_that_does_not_lead_to_a_server_is_a_mismatch(found):
    with pytest.raises(SignInFailed) as caught:
        issuer_of("did:plc:alice", RecordedHttp(plc=found, protected=ISSUER))
    assert caught.value.reason == "identity_mismatch"


@pytest.mark.parametrize("found", [None, {}, {"authorization_servers": []}, {"authorization_servers": [5]}, []])
def test_a_server_that_names_no_issuer_is_a_mismatch(found):
    with pytest.raises(IdentityMismatch):
        issuer_of("did:plc:alice", RecordedHttp(plc=document("did:plc:alice"), protected=found))
