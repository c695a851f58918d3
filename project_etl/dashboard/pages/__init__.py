"""Layout only: one module per page, or per part of one. Queries are in `queries/`."""
