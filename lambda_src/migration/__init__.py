"""Moves the data of a SQL database into DynamoDB: checked before, resumable, verified after. Runs on no Lambda.

source/     reads a SQL database, or a folder of JSON documents: a consistent snapshot of its rows
mapping     the words in which one service says what becomes of its rows
limits      what columns of the old schema take, for the way back; `collation`: which texts it takes for one
mappings/   a folder for each service; `registry` lists them, with their options, kinds of source and phases
snapshot    the rows on disk (SQLite), with what was decided about each
derive      the items that follow from a snapshot, always the same ones in the same order
target/     writes, compares and removes items; keeps the state of the migration in the table
phases/     check, plan, copy, verify, delta, cutover, rollback, export-s3, export, reverse-export
commands    how a phase becomes a command; `cli` has the commands

A run goes source -> snapshot -> derive -> target. What follows the snapshot never asks the source again.
"""
