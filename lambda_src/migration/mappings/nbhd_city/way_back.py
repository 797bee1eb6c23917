"""How rows of nbhd.city go back into PostgreSQL: as documents like those of an export, and a script that loads them.

Profiles stay behind: SQL had none. So do neighborhoods that were deleted and wait for their purge.
"""

from datetime import UTC, datetime
from typing import Final

from lambda_src.migration.drafts import Draft
from lambda_src.migration.instants import in_one_form
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.phases.reverse_export import RowsOf, WayBack
from lambda_src.migration.source.documents import write_documents

ID_MAPPING: Final = "id_mapping.json"
LOAD: Final = "load.sql"

_COMMAND: Final = 'psql --set ON_ERROR_STOP=1 --single-transaction --file load.sql "$DATABASE_URL"'
# A row that SQL had keeps its id, the others are numbered on, by age. Who left and joined again is a new row.
_NUMBER: Final = (
    """
UPDATE neighborhoods SET id = (SELECT k.id FROM before.neighborhoods k WHERE k.nbhd_id = neighborhoods.nbhd_id LIMIT 1)
""",
    """
UPDATE neighborhoods SET id = new.id FROM (
  SELECT nbhd_id, ROW_NUMBER() OVER (ORDER BY created_at, nbhd_id)
    + (SELECT COALESCE(MAX(id), 0) FROM before.neighborhoods) AS id
  FROM neighborhoods WHERE id IS NULL
) new WHERE new.nbhd_id = neighborhoods.nbhd_id
""",
    """
UPDATE memberships SET neighborhood_id = (SELECT h.id FROM neighborhoods h WHERE h.nbhd_id = memberships.nbhd_id),
  id = (SELECT k.id FROM before.memberships k WHERE reject IS NULL
    AND (k.nbhd_id, k.user_id, k.joined_at) = (memberships.nbhd_id, memberships.user_id, memberships.joined_at))
""",
    """
UPDATE memberships SET id = new.id FROM (
  SELECT nbhd_id, user_id, ROW_NUMBER() OVER (ORDER BY joined_at, neighborhood_id, user_id)
    + (SELECT COALESCE(MAX(id), 0) FROM before.memberships) AS id
  FROM memberships WHERE id IS NULL AND neighborhood_id IS NOT NULL
) new WHERE (new.nbhd_id, new.user_id) = (memberships.nbhd_id, memberships.user_id)
""",
)
_LOAD: Final = f"""\
-- Loads these files into an empty copy of the schema, all or nothing. In this folder:
--   {_COMMAND}
\\encoding UTF8
\\set neighborhoods `cat neighborhoods_export.json`
\\set memberships `cat memberships_export.json`
INSERT INTO neighborhoods (id, name, description, created_by, created_at, updated_at)
SELECT id, name, description, created_by, created_at, updated_at
FROM json_populate_recordset(NULL::neighborhoods, :'neighborhoods');
INSERT INTO memberships (id, user_id, neighborhood_id, joined_at)
SELECT id, user_id, neighborhood_id, joined_at FROM json_populate_recordset(NULL::memberships, :'memberships');
SELECT setval(pg_get_serial_sequence('neighborhoods', 'id'), GREATEST(1, MAX(id))) FROM neighborhoods;
SELECT setval(pg_get_serial_sequence('memberships', 'id'), GREATEST(1, MAX(id))) FROM memberships;
"""


def _write(draft: Draft, mapping: ServiceMapping, rows_of: RowsOf) -> str:
    ids = ((str(row["id"]), row["nbhd_id"]) for row in rows_of(mapping.source("neighborhoods")))
    draft.object(ID_MAPPING, ids)
    draft.text(LOAD, [_LOAD])
    write_documents(draft, mapping, rows_of, exported_at=in_one_form(datetime.now(UTC).isoformat()))
    return LOAD


DOCUMENTS: Final = WayBack(_write, f"cd {{folder}} && {_COMMAND}", _NUMBER)
