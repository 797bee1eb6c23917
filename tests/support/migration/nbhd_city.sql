-- PostgreSQL: the schema that nbhd.city came from.
CREATE TABLE neighborhoods (
  id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL, description TEXT, created_by VARCHAR(255) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ DEFAULT now());
CREATE UNIQUE INDEX ix_neighborhoods_name ON neighborhoods (name);
CREATE INDEX ix_neighborhoods_id ON neighborhoods (id);
CREATE INDEX ix_neighborhoods_created_by ON neighborhoods (created_by);
CREATE TABLE memberships (
  id SERIAL PRIMARY KEY, user_id VARCHAR(255) NOT NULL,
  neighborhood_id INTEGER NOT NULL REFERENCES neighborhoods (id),
  joined_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT unique_user_neighborhood_membership UNIQUE (user_id, neighborhood_id));
CREATE INDEX ix_memberships_id ON memberships (id);
CREATE INDEX ix_memberships_user_id ON memberships (user_id);
CREATE INDEX ix_memberships_neighborhood_id ON memberships (neighborhood_id);
CREATE INDEX idx_user_neighborhood ON memberships (user_id, neighborhood_id);
