"""The rules that a landing file as a whole can break, and the error that says which.

Does not belong here: what is wrong with a single record (`rescued.py`).
"""

from __future__ import annotations

FILE_ACCESSIBLE = "file_accessible"
FILE_NOT_EMPTY = "file_not_empty"
FILE_DECOMPRESSES = "file_decompresses"
FILE_ENCODING = "file_encoding"
FILE_HEADER = "file_header"
FILE_JSON_LINES = "file_json_lines"
FILE_STABLE = "file_stable"
FILE_HAS_RECORDS = "file_has_records"
FILE_UNIQUE = "file_unique"

# What users read beside the name of a rule.
FILE_RULES = {
    FILE_ACCESSIBLE: "The platform may read a file.",
    FILE_NOT_EMPTY: "A file holds at least one character.",
    FILE_DECOMPRESSES: "A .gz file is whole gzip, and does not blow up to many times its size.",
    FILE_ENCODING: "A file is UTF-8 text.",
    FILE_HEADER: "A CSV file begins with a header that names each column once, among them a declared one.",
    FILE_JSON_LINES: "A JSON file holds one object a line.",
    FILE_STABLE: "A file does not change or vanish while it is read.",
    FILE_HAS_RECORDS: "A file holds at least one record.",
    FILE_UNIQUE: "A file is not a copy of another file of its landing day.",
}


class UnreadableFile(Exception):  # noqa: N818 - it names a finding that goes to quarantine, not a fault of the program
    """A landing file that cannot be read as a whole.

    Attributes:
        path: the file, relative to the landing root.
        rule: one of FILE_RULES.
        detail: where in the file, what was found, what was expected.
    """

    def __init__(self, path: str, rule: str, detail: str) -> None:
        super().__init__(path, rule, detail)
        self.path = path
        self.rule = rule
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}: {self.detail}"
