"""The notebooks, executed as they stand there."""
