"""What arrives: the landing folders, the readers of their files, and one module per source system.

Does not belong here: what a table makes of the records (`silver`, `gold`), or when a file is loaded (`orchestration`).
"""
