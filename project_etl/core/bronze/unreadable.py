"""The rules that a landing file as a whole can break, and the error that says which.

Does not belong here: what is wrong with a single record (`rescued.py`).
"""

from __future__ import annotations

from project_etl.core.bronze.visible import visible

FILE_ACCESSIBLE = "file_accessible"
FILE_NOT_EMPTY = "file_not_empty"
FILE_DECOMPRESSES = "file_decompresses"
FILE_FORMAT = "file_format"
FILE_ENCODING = "file_encoding"
FILE_HEADER = "file_header"
FILE_JSON_LINES = "file_json_lines"
FILE_WELL_FORMED = "file_well_formed"
FILE_STABLE = "file_stable"
FILE_HAS_RECORDS = "file_has_records"
FILE_UNIQUE = "file_unique"
NOTHING_LOST = "nothing_lost"


class UnreadableFile(Exception):  # noqa: N818 - it names a finding that goes to quarantine, not a fault of the program
    """A landing file that cannot be read as a whole.

    Attributes:
        path: the file, relative to the landing root.
        rule: one of the rules of this module.
        detail: where in the file, what was found, what was expected; invisible characters are escapes.
    """

    def __init__(self, path: str, rule: str, detail: str) -> None:
        detail = visible(detail)
        super().__init__(path, rule, detail)
        self.path = path
        self.rule = rule
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}: {self.detail}"
