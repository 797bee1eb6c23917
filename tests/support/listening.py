"""A page of a family that listens: it signs in, uploads a file by its ticket, waits for its text and plays it.

The page is of any origin that a test wants: the browser is given it without anybody serving it. All else is real.
"""

from collections.abc import Mapping
from typing import Any, Final

from playwright.sync_api import Browser

FILENAME: Final = "E\u0301pisode #1 🐙.mp3"  # as a Mac writes it
SIZE: Final = 5_242_880
PAGE: Final = """async ([api, username, password, filename, size]) => {
    const ask = async (path, options = {}) => {
        const answer = await fetch(api + path, options);
        if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
        return answer;
    };
    const post = (path, body, headers = {}) => ask(path, {
        method: "POST", headers: {"Content-Type": "application/json", ...headers}, body: JSON.stringify(body),
    });
    let signedIn;
    try {
        signedIn = await (await post("/api/user/login", {username, password})).json();
    } catch (error) {
        return {refused: error.name};
    }
    const mine = {Authorization: `Bearer ${signedIn.access_token}`};
    const ticket = await (await post("/api/audio/uploads", {filename, size, content_type: "audio/mp3"}, mine)).json();
    const form = new FormData();
    for (const [name, value] of Object.entries(ticket.upload.fields)) form.append(name, value);
    const frame = new Uint8Array(417);  // MPEG 1, layer III, 128 kbit/s, 44.1 kHz: silence
    frame.set([0xff, 0xfb, 0x90, 0x00]);
    const bytes = new Uint8Array(size);
    for (let at = 0; at + frame.length <= size; at += frame.length) bytes.set(frame, at);
    form.append("file", new Blob([bytes]), "whatever.mp3");
    const sent = await fetch(ticket.upload.url, {method: "POST", body: form});
    const path = "/api/audio/" + encodeURIComponent(ticket.filename);
    let upload, file;
    for (let tries = 0; tries < 120; tries += 1) {
        upload = await (await ask("/api/audio/uploads/" + ticket.upload_id, {headers: mine})).json();
        file = upload.audio;
        if (upload.state === "rejected" || (file && ["completed", "failed"].includes(file.transcript_status))) break;
        await new Promise(done => setTimeout(done, 500));
    }
    const transcript = await (await ask(path + "/transcript", {headers: mine})).json();
    const link = await (await post(path + "/play-link", {}, mine)).json();
    const played = await fetch(link.play_url, {headers: {Range: "bytes=417-420"}});
    const part = Array.from(new Uint8Array(await played.arrayBuffer()));
    const audio = new Audio(link.play_url);
    const seconds = await new Promise(done => {
        audio.onloadedmetadata = () => done(audio.duration);
        audio.onerror = () => done(null);
    });
    return {
        sent: sent.status, state: upload.state, reason: upload.reason, file, transcript, seconds, part,
        status: played.status, range: played.headers.get("Content-Range"), type: played.headers.get("Content-Type"),
    };
}"""


def listen(browser: Browser, *, origin: str, api: str, username: str, password: str) -> Mapping[str, Any]:
    """What a page of an origin comes to; `{"refused": ...}` where the browser keeps it from the API."""
    context = browser.new_context()
    try:
        context.grant_permissions(["local-network-access"])  # nobody served the page, so it is none of this machine's
        page = context.new_page()
        page.route(f"{origin}/**", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.goto(f"{origin}/")
        found: Mapping[str, Any] = page.evaluate(PAGE, [api, username, password, FILENAME, SIZE])
        return found
    finally:
        context.close()
