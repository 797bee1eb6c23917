import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from cdk_app.services.stock_track_record.stand_ins.sample.episodes import ROUND, SPECIALS, episode
from cdk_app.services.stock_track_record.stand_ins.sample.stocks import SHARES, sample_stocks
from cdk_app.services.stock_track_record.stand_ins.world import World

NOW = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)


def sample(now: datetime) -> World:
    return World.sample(lambda: now)


@pytest.mark.parametrize("days_later", range(0, 400, 37))
def test_the_rich_channel_has_sixty_videos_in_eleven_months_on_any_day(days_later):
    now = NOW + timedelta(days=days_later)
    videos = sample(now).channels[0].videos
    recent = [each for each in videos if each.published_at is None or each.published_at > now - timedelta(days=334)]
    assert len(recent) >= 60
    assert all(each.published_at is None or each.published_at <= now for each in videos)
    assert any(each.published_at and each.published_at < now - timedelta(days=366) for each in videos)


def test_eleven_months_hold_every_special_case():
    assert ROUND * 5 <= 334
    assert all(0 <= place < ROUND for place in SPECIALS)


def test_a_restart_tells_the_same_story():
    first, second = sample(NOW), sample(NOW + timedelta(hours=3))
    assert first.channels == second.channels
    video = first.channels[0].videos[1].id
    assert first.next_video_answer(video) == second.next_video_answer(video)


def test_a_week_later_videos_keep_their_ids_and_dates():
    before, after = (sample(now).channels[0].videos for now in (NOW, NOW + timedelta(days=7)))
    kept = {video.id for video in before} & {video.id for video in after}
    assert len(kept) >= len(before) - 2
    assert {video for video in before if video.id in kept} == {video for video in after if video.id in kept}


def test_the_playlist_is_nearly_but_not_strictly_newest_first():
    dates = [video.published_at for video in sample(NOW).channels[0].videos[1:] if video.published_at]
    swaps = sum(later > earlier for earlier, later in pairwise(dates))
    assert 3 <= swaps <= 15
    assert max(later - earlier for earlier, later in pairwise(dates)) < timedelta(days=11)


def test_ids_have_the_form_that_youtube_gives_them():
    for channel in sample(NOW).channels:
        assert re.fullmatch(r"UC[A-Za-z0-9_-]{22}", channel.id)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{11}", video.id) for video in channel.videos)
        assert len({video.id for video in channel.videos}) == len(channel.videos)


def test_the_sample_speaks_of_more_than_twenty_five_shares_on_every_exchange():
    assert len(SHARES) >= 25
    stocks = sample_stocks(NOW.date())
    assert len({stock.ticker for stock in stocks}) == len(stocks)
    assert {stock.exchange_code for stock in stocks} >= {"NMS", "NGM", "NCM", "NYQ", "ASE", "PCX", "PNK", "PAR"}
    said = "".join(answer.body for slot in range(ROUND) for answer in episode(slot).answers)
    assert len({ticker for ticker, *_ in SHARES if f'\\"{ticker}\\"' in said}) >= 25


def test_a_newly_listed_share_has_prices_now_and_none_when_it_was_first_discussed():
    world = sample(NOW)
    stock = world.stock("LNCH")
    assert stock is not None
    assert stock.listed_on is not None
    assert world.prices(stock, days=2_000)[0].day >= stock.listed_on > (NOW - timedelta(days=100)).date()


def test_a_delisted_share_is_unknown():
    assert sample(NOW).stock("TWTR") is None
