"""Redaction: what Bronze keeps of a record that names an erased customer.

Belongs here: the one function that finds such records and what it leaves of them, for files as they are read and for
rows that Bronze holds. Does not belong here: where hashes come from (`tombstones.py`), reading and committing
(`stage.py`, `erasure.py`).

- A record about the customer leaves. Any other record of the customer stays, without the customer's id and details.
- A record that could not be parsed leaves when its text names the customer.
- What did not fit the declared columns (`_rescued_data`) goes where the record or that text names the customer.

An id is what Silver takes for that id: without blanks and guards, and `12.0` is `12`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import and_, not_, or_

import pyarrow as pa

from project_etl.core.arrow import ArrowRecordBatch
from project_etl.core.bronze.readers.rescued import is_malformed
from project_etl.core.bronze.tombstones import Tombstones, customer_hash, email_hash
from project_etl.core.model.names import RESCUED
from project_etl.core.model.source import Person
from project_etl.core.transforms.text import clean_code, clean_key
from project_etl.core.transforms.words import NOTHING

# Where words of a text end, and where values of a record do, so that a value with blanks is one too.
_BETWEEN_WORDS = re.compile(r"""[\s,;|"<>()\[\]{}:=]+""")
_BETWEEN_VALUES = re.compile(r"[,;|\t\n\r]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Redacted:
    """What is left of some records.

    Attributes:
        rows: those that stay, in their order.
        removed: how many have left.
        emptied: how many have lost an id or what did not fit.
    """

    rows: ArrowRecordBatch
    removed: int = 0
    emptied: int = 0

    @property
    def erased(self) -> int:
        """How many records are not as they were received."""
        return self.removed + self.emptied


@dataclass(frozen=True)
class Redaction:
    """Which customers are erased, and where the records of a dataset name them.

    Attributes:
        tombstones: who is erased.
        person: where the records name a customer; None where no declared column does.
        prefix: namespace of the source's ids.
        nothing: words that mean that there is no value, in small letters.
    """

    tombstones: Tombstones
    person: Person | None = None
    prefix: str = ""
    nothing: Collection[str] = NOTHING

    def redact(self, records: ArrowRecordBatch) -> Redacted:
        """What is left of some records of Bronze, with whatever lineage they have."""
        if not self.tombstones:
            return Redacted(records)
        column, email = (self.person.column, self.person.email) if self.person else (None, None)
        customers, told = _texts(records, column, self.is_customer), _texts(records, RESCUED, self._tells)
        addresses = _texts(records, email, self.is_email)
        if not (customers or addresses or told):
            return Redacted(records)
        has_id, is_told = _where(records, column, customers), _where(records, RESCUED, told)
        is_named = list(map(or_, has_id, _where(records, email, addresses)))
        leaves = list(map(and_, is_told, _where(records, RESCUED, filter(is_malformed, told))))
        if self.person and self.person.is_about:
            leaves = list(map(or_, leaves, is_named))
        changes = [(named or tells) and not gone for named, tells, gone in zip(is_named, is_told, leaves, strict=True)]
        for name in self.person.details if self.person else ():
            records = _without(records, name, is_named)
        records = _without(_without(records, column, has_id), RESCUED, changes)
        return Redacted(records.filter(pa.array(map(not_, leaves), pa.bool_())), sum(leaves), sum(changes))

    def is_customer(self, text: str) -> bool:
        """Whether a text is the id of an erased customer."""
        key = clean_key(text, self.nothing)
        if key is not None and self.person and self.person.any_case:
            key = key.lower()
        return key is not None and customer_hash(self.prefix, key) in self.tombstones.customers

    def is_email(self, text: str) -> bool:
        """Whether a text is the e-mail address of an erased customer."""
        address = clean_code(text, self.nothing)
        return address is not None and email_hash(address) in self.tombstones.emails

    def _tells(self, text: str) -> bool:
        """Whether what did not fit has the id or the address of an erased customer as a word or value of its own."""
        words = {word for value in json.loads(text).values() for word in words_of(str(value))}
        return any(self.is_customer(word) or self.is_email(word) for word in words)


def words_of(text: str) -> Iterator[str]:
    """Everything in a text that may be an id or an address."""
    for found in (_BETWEEN_WORDS.split(text), _BETWEEN_VALUES.split(text), _QUOTED.findall(text)):
        for word in found:
            yield word
            yield word.strip("\"'.")


def _texts(records: ArrowRecordBatch, column: str | None, is_it: Callable[[str], bool]) -> set[str]:
    """The texts of some kind in a column; each one that occurs is looked at once."""
    if column is None:
        return set()
    texts: list[str | None] = records.column(column).unique().to_pylist()
    return {text for text in texts if text is not None and is_it(text)}


def _where(records: ArrowRecordBatch, column: str | None, texts: Iterable[str]) -> list[bool]:
    """Which records have one of some texts in a column."""
    wanted = {*texts}
    if column is None or not wanted:
        return [False] * records.num_rows
    return [text in wanted for text in records.column(column).to_pylist()]


def _without(records: ArrowRecordBatch, column: str | None, where: Sequence[bool]) -> ArrowRecordBatch:
    """The records with nothing in a column where that is asked."""
    if column is None or not any(where):
        return records
    arrays, texts = [*records.columns], records.column(column)
    left = [None if is_asked else text for text, is_asked in zip(texts.to_pylist(), where, strict=True)]
    arrays[records.schema.get_field_index(column)] = pa.array(left, texts.type)
    return pa.RecordBatch.from_arrays(arrays, schema=records.schema)
