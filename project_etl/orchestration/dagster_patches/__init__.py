"""What stands on Dagster's private modules: each with what it is for, and a test that tells when Dagster changes.

Nothing else in the package imports a module of Dagster's whose name begins with `_`.
"""
