"""The README's own commands and code, run as they stand there; `make readme` runs them."""
