"""Where rows come from: MySQL, MariaDB, PostgreSQL, SQLite, or JSON documents. Nothing is ever written there.

kind         what every kind of source can do
documents    a folder of JSON documents: written by `export`, and read


Of databases:

address      what DATABASE_URL says, and how to speak of it without its password
dialect      what differs between databases; `mysql`, `postgresql` and `sqlite` say how
findings     what was noticed about a database before it is read
schema       compares the schema with the one a mapping expects
connection   one read-only transaction that sees one instant
reader       examines a database, and takes a snapshot of its rows
version      a digest of the code that decides what a snapshot holds
"""
