"""Pulling: a source's slices become files in landing, and nothing else. All that is hard is done with files.

- `pull.py`: one dataset, from what was pulled before to the files that have landed.
- `before.py`: what was pulled before: the file table, and landing for what is not in Bronze yet.
- `land.py`: a slice becomes a file, aside and renamed.
- `secret.py`: secrets by reference.
- `spans.py`: slices of time, and the gaps between them.
- `recount.py`: all that a source holds beside Bronze.
- `streaming.py`: pulling on and on, until somebody stops it.
- `sql/`: sources that are databases.
"""
