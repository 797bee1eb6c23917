-- An earlier design of the same schema: TIMESTAMP with defaults, counters with defaults, no `cancelled`,
-- BIGINT ids of logs, other names of indexes.
CREATE TABLE channels (
  id VARCHAR(36) NOT NULL PRIMARY KEY, youtube_channel_id VARCHAR(50) NOT NULL,
  name VARCHAR(255) NOT NULL, url VARCHAR(500) NOT NULL, thumbnail_url VARCHAR(500) NULL,
  status ENUM('pending','processing','completed','failed') NULL DEFAULT 'pending',
  video_count INT NULL DEFAULT 0, processed_video_count INT NULL DEFAULT 0, time_range_months INT NULL DEFAULT 12,
  created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  UNIQUE INDEX uq_youtube_channel (youtube_channel_id));
CREATE TABLE videos (
  id VARCHAR(36) NOT NULL PRIMARY KEY, channel_id VARCHAR(36) NOT NULL, youtube_video_id VARCHAR(20) NOT NULL,
  title VARCHAR(500) NOT NULL, url VARCHAR(500) NOT NULL, published_at DATE NOT NULL,
  transcript_status ENUM('pending','fetched','failed') NULL DEFAULT 'pending',
  analysis_status ENUM('pending','completed','failed') NULL DEFAULT 'pending',
  created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE INDEX uq_youtube_video (youtube_video_id), INDEX ix_channel (channel_id),
  FOREIGN KEY (channel_id) REFERENCES channels(id) ON DELETE CASCADE);
CREATE TABLE stocks (
  ticker VARCHAR(10) NOT NULL PRIMARY KEY, name VARCHAR(255) NULL, exchange ENUM('NYSE','NASDAQ') NOT NULL,
  last_price DECIMAL(12,4) NULL, price_updated_at TIMESTAMP NULL);
CREATE TABLE stock_mentions (
  id VARCHAR(36) NOT NULL PRIMARY KEY, video_id VARCHAR(36) NOT NULL, ticker VARCHAR(10) NOT NULL,
  sentiment ENUM('buy','hold','sell','mentioned') NOT NULL, price_at_mention DECIMAL(12,4) NULL,
  confidence_score DECIMAL(3,2) NULL, context_snippet TEXT NULL, created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE INDEX uq_mention (video_id, ticker), INDEX ix_mention_ticker (ticker),
  FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE, FOREIGN KEY (ticker) REFERENCES stocks(ticker));
CREATE TABLE processing_logs (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, channel_id VARCHAR(36) NOT NULL,
  log_level ENUM('info','warning','error') NULL DEFAULT 'info', message TEXT NOT NULL,
  created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP, INDEX ix_logs (channel_id, created_at),
  FOREIGN KEY (channel_id) REFERENCES channels(id) ON DELETE CASCADE);
