"""Bronze's loader: find what landed, plan what is new, read it, publish it, and report."""
