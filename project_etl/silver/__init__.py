"""Silver: typed, cleaned, one row per business key. One module per table: its contract on top, `transform` below."""
