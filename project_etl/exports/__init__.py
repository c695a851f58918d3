"""What leaves the lake: one module a table outside of it, found by looking.

Does not belong here: how a target takes it (`core/export`).
"""
