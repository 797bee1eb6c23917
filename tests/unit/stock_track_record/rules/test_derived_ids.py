from lambda_src.services.stock_track_record.models import mention_id, video_id

CHANNEL_ID = "3f6c1c1e-7f4b-4a53-9c56-0d0e5f1a2b3c"
VIDEO_ID = "0c96dc99-bd2f-5c3b-8893-f1949b22dc60"


def test_a_video_id_follows_from_channel_and_youtube_id():
    assert video_id(CHANNEL_ID, "dQw4w9WgXcQ") == VIDEO_ID


def test_a_mention_id_follows_from_video_and_ticker():
    assert mention_id(VIDEO_ID, "AAPL") == "eab676cd-7937-53a1-bc92-0d19d45d73fc"


def test_the_same_video_has_another_id_in_another_channel():
    assert video_id("another", "dQw4w9WgXcQ") != VIDEO_ID
