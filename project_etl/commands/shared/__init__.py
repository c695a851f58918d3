"""What commands have in common: options, settings, Dagster's memory, materializing and showing it."""
