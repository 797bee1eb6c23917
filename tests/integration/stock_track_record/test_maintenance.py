"""While data are mended: reads go on and writes are refused, or everything is but the health checks."""

from tests.support.track_record_items import channel_named, store

CHANNEL = channel_named("rests")


def test_read_only_refuses_writes_and_answers_reads(new_app):
    app = new_app(maintenance_mode="read_only")
    store(app, CHANNEL)
    before = app.items()

    refused = [
        app.api.post("/api/channels", json={"url": "https://www.youtube.com/@other"}),
        app.api.post(f"/api/channels/{CHANNEL.id}/process"),
        app.api.delete(f"/api/channels/{CHANNEL.id}"),
    ]

    assert [(each.status_code, each.json()["code"]) for each in refused] == [(503, "maintenance")] * 3
    assert {each.headers["Retry-After"] for each in refused} == {"120"}
    assert app.items() == before
    assert app.queue.every == []
    for path in ("/health", "/api/channels", f"/api/channels/{CHANNEL.id}", f"/api/channels/{CHANNEL.id}/stocks"):
        assert app.api.get(path).status_code == 200, path
    assert app.api.head("/api/channels").status_code == 200


def test_full_maintenance_leaves_the_health_checks(new_app):
    app = new_app(maintenance_mode="full")

    assert [app.api.get(path).status_code for path in ("/", "/health")] == [200, 200]
    for path in ("/api/channels", "/docs", "/nothing"):
        assert app.api.get(path).json()["code"] == "maintenance"
