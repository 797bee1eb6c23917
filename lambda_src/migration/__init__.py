"""Moves the data of a SQL database into DynamoDB: checked before, resumable, verified after. Runs on no Lambda.

source/     reads the SQL database: its schema, and a consistent snapshot of its rows
mapping     the words in which one service says what becomes of its rows; `mappings/` holds one file per service
snapshot    the rows on disk (SQLite), with what was decided about each
derive      the items that follow from a snapshot, always the same ones in the same order
target/     writes, compares and removes items; keeps the state of the migration in the table
phases/     check, plan, copy, verify, delta, cutover, rollback, export-s3
documents/  nbhd.city's export to JSON files and import from them

A run goes source -> snapshot -> derive -> target. What follows the snapshot never asks the SQL database again.
"""
