"""nbhd.city's data as JSON files: export, import, verify, and the way back.

files       two JSON arrays, and a manifest that vouches for them: written whole or not at all, read as a stream
exporting   PostgreSQL -> files
importing   files -> snapshot -> table, and the comparison afterwards
report      what became of every row, as JSON
reversing   table -> files that the SQL schema takes

`python -m lambda_src.migration.documents --help` has the commands.
"""
