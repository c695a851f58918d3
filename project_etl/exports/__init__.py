"""What leaves the lake, and where to: one module a table of a target, found by looking."""
