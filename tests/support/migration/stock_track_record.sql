-- MySQL 8.0 and MariaDB, InnoDB, utf8mb4: the schema that Stock Track Record came from.
CREATE TABLE channels (
  id VARCHAR(36) NOT NULL PRIMARY KEY, youtube_channel_id VARCHAR(50) NOT NULL UNIQUE,
  name VARCHAR(255) NOT NULL, url VARCHAR(500) NOT NULL, thumbnail_url VARCHAR(500) NULL,
  status ENUM('pending','processing','completed','failed','cancelled') NULL DEFAULT 'pending',
  video_count INT NULL, processed_video_count INT NULL, time_range_months INT NULL,
  created_at DATETIME NULL, updated_at DATETIME NULL,
  INDEX idx_channel_status (status), INDEX idx_channel_created_at (created_at));
CREATE TABLE videos (
  id VARCHAR(36) NOT NULL PRIMARY KEY, channel_id VARCHAR(36) NOT NULL, youtube_video_id VARCHAR(20) NOT NULL UNIQUE,
  title VARCHAR(500) NOT NULL, url VARCHAR(500) NOT NULL, published_at DATE NOT NULL,
  transcript_status ENUM('pending','fetched','failed') NULL, analysis_status ENUM('pending','completed','failed') NULL,
  created_at DATETIME NULL,
  INDEX idx_video_channel_id (channel_id), INDEX idx_video_published_at (published_at),
  FOREIGN KEY (channel_id) REFERENCES channels(id) ON DELETE CASCADE);
CREATE TABLE stocks (
  ticker VARCHAR(10) NOT NULL PRIMARY KEY, name VARCHAR(255) NULL, exchange ENUM('NYSE','NASDAQ') NOT NULL,
  last_price DECIMAL(12,4) NULL, price_updated_at DATETIME NULL, INDEX idx_stock_exchange (exchange));
CREATE TABLE stock_mentions (
  id VARCHAR(36) NOT NULL PRIMARY KEY, video_id VARCHAR(36) NOT NULL, ticker VARCHAR(10) NOT NULL,
  sentiment ENUM('buy','hold','sell','mentioned') NOT NULL, price_at_mention DECIMAL(12,4) NULL,
  confidence_score DECIMAL(3,2) NULL, context_snippet TEXT NULL, created_at DATETIME NULL,
  UNIQUE INDEX unique_video_ticker (video_id, ticker),
  INDEX idx_mention_video_id (video_id), INDEX idx_mention_ticker (ticker),
  FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE, FOREIGN KEY (ticker) REFERENCES stocks(ticker));
CREATE TABLE processing_logs (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, channel_id VARCHAR(36) NOT NULL,
  log_level ENUM('info','warning','error') NULL, message TEXT NOT NULL, created_at DATETIME NULL,
  INDEX idx_log_channel_created (channel_id, created_at),
  FOREIGN KEY (channel_id) REFERENCES channels(id) ON DELETE CASCADE);
