"""Sources that are databases, over SQLAlchemy: any database that has a driver for it.

- `options.py`: what a user says of the database.
- `databases.py`: what differs between databases: text as the server prints it, its clock, its identity.
- `texts.py`: a value as it lands.
- `reader.py`: queries, and their rows as records.
- `recount.py`: what the database holds beside what Bronze holds.
- `source.py`: a source of this kind.
"""
