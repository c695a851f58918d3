"""The commands behind `project-etl`, one folder each, found by looking.

The folder's `command` has the name, options and exit codes, and nothing that is slow to import, so that `--help`
answers at once; what it does is beside it. `shared/` helps them.
"""
