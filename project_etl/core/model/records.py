"""Records: what a source hands to Silver, and the lineage that travels with each of them.

Belongs here: what declares a kind of records, the shape of the `_record` column, the lineage columns of Bronze and
Silver, and `Feed`, the way from a Bronze table to records. Does not belong here: any particular source (`sources/`), or
what Silver makes of records (`core/silver`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts.sql_text import is_day
from project_etl.core.model.code_version import code_version
from project_etl.core.model.names import DELETED, MALFORMED_KEY, RESCUED
from project_etl.core.transforms.json_text import json_object
from project_etl.core.transforms.text import Kind, clean
from project_etl.core.transforms.words import NOTHING

# The column that a Silver transform passes on untouched: where the record comes from and what it said.
RECORD = "_record"

MALFORMED_PATH = f"$.{MALFORMED_KEY}"

# Lineage that every Bronze row has; a record is identified by file and row number.
BRONZE_LINEAGE = {
    "_source_file": "Landing path of the file, relative to the landing root.",
    "_source_version": "Content version of the file: the object store's ETag, or a hash of its bytes.",
    "_row_number": "Number of the record in its file, from 1.",
    "_ingested_at": "Instant at which the run that loaded the file started.",
    "_landing_date": "Landing day: the date of the folder that the file arrived in.",
}

# Lineage of a Silver row: the record that decided it, and every file that it was made from.
SILVER_LINEAGE = T.StructType(
    [
        T.StructField("_source_file", T.StringType(), False, {"comment": BRONZE_LINEAGE["_source_file"]}),
        T.StructField("_source_version", T.StringType(), False, {"comment": BRONZE_LINEAGE["_source_version"]}),
        T.StructField("_row_number", T.LongType(), False, {"comment": BRONZE_LINEAGE["_row_number"]}),
        T.StructField("_landing_date", T.DateType(), False, {"comment": BRONZE_LINEAGE["_landing_date"]}),
        T.StructField(
            "_source_files",
            T.ArrayType(T.StringType()),
            True,
            {"comment": "Every file that the row was made from, in order."},
        ),
    ]
)
LINEAGE_NAMES = tuple(SILVER_LINEAGE.fieldNames())

# What a mapping passes on for every record.
PASSED_ON = (*LINEAGE_NAMES, RESCUED, "_unmapped")

# What identifies a record as it was received.
PLACE = ("_source_file", "_row_number", "_source_version")

# Later records win; ties are broken by where the record stood, so that the order of arrival cannot matter.
ARRIVAL_ORDER = ("_landing_date", "_source_file", "_row_number")


@dataclass(frozen=True)
class Field:
    """A column of a record, which is text.

    Attributes:
        kind: what is cleaned off it.
        meaning: what it says, for people.
        is_day: whether an instant is a day of the calendar, which is the same in every time zone.
    """

    kind: Kind
    meaning: str
    is_day: bool = False


# How a column is declared, such as `key("Order number.")`; `Kind` says what each is.
key, code, country = partial(Field, Kind.KEY), partial(Field, Kind.CODE), partial(Field, Kind.COUNTRY)
number, instant = partial(Field, Kind.NUMBER), partial(Field, Kind.INSTANT)
day = partial(Field, Kind.INSTANT, is_day=True)
label, name, text = partial(Field, Kind.LABEL), partial(Field, Kind.NAME), partial(Field, Kind.TEXT)


@dataclass(frozen=True)
class Records:
    """A kind of records, declared beside the Silver table that is made of them; sources feed it.

    Attributes:
        name: its name, which is the argument of the table's transform.
        columns: what a record says.
        of_shop: whether the shop itself has them, in files or in tables; others are of systems beside it.
    """

    name: str
    columns: Mapping[str, Field]
    of_shop: bool = True

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Each column and what it is."""
        return tuple((column, field.kind.name) for column, field in self.columns.items())

    def of_kind(self, kind: Kind) -> tuple[str, ...]:
        """The columns of a kind."""
        return tuple(column for column, field in self.columns.items() if field.kind is kind)

    def are_natural(self, keys: Collection[str]) -> bool:
        """Whether some keys are days and codes alone, which mean the same to every source."""
        return not {*keys} & {*self.of_kind(Kind.KEY)}

    @property
    def instants(self) -> tuple[str, ...]:
        """The columns that say at which instant something happened; those that say a day are none."""
        return tuple(column for column in self.of_kind(Kind.INSTANT) if not self.columns[column].is_day)


@dataclass(frozen=True)
class Feed:
    """How one Bronze table feeds one kind of records.

    Attributes:
        bronze: the Bronze table, `bronze/<source>/<dataset>`.
        columns: its declared text columns.
        mapping: Bronze rows → records: text columns of the record plus Bronze's lineage columns, and `_source_files`
            or `_unmapped` where they differ from a plain record's. None when a row is a record.
        gather: Bronze column by whose values a mapping groups: it needs all their rows; None when rows stand alone.
        ids_of: column of the record → the source whose ids it holds; all others hold the source's own.
        prefix: namespace of the source's ids, which is put before each of them.
        prefixes: column → namespace of the ids in it, for those of other sources.
        nothing: words that mean that there is no value, in small letters.
        zone: IANA name of the time zone of instants that name no offset; empty for UTC.
        precedence: of two sources that say something of one natural key, the one with the smaller number is believed.
        version: changes when the mapping's code or anything else of this changes what records say.
    """

    bronze: str
    columns: tuple[str, ...]
    mapping: Callable[[DataFrame], DataFrame] | None = None
    gather: str | None = None
    ids_of: Mapping[str, str] = field(default_factory=dict[str, str])
    prefix: str = ""
    prefixes: Mapping[str, str] = field(default_factory=dict[str, str])
    nothing: tuple[str, ...] = NOTHING
    zone: str = ""
    precedence: int = 0
    version: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the version while the code on disk is the code that runs."""
        code = code_version(self.mapping) if self.mapping else ""
        zone = f"/{self.zone}" if self.zone else ""
        place = f"/{self.precedence}" if self.precedence else ""
        others = f"/{sorted(self.prefixes.items())}" if self.prefixes else ""
        nothing = ",".join(sorted(self.nothing))
        object.__setattr__(self, "version", f"{code}/{self.gather}/{self.prefix}/{nothing}{zone}{place}{others}")

    @property
    def folder(self) -> str:
        """What the path of every file of the source begins with: `<source>/`."""
        return f"{self.bronze.split('/')[1]}/"

    @property
    def may_delete(self) -> bool:
        """Whether a record may say that something is gone; one made of several rows does not."""
        return DELETED in self.columns and self.gather is None

    def records(self, bronze: DataFrame, of: Records) -> DataFrame:
        """Turn Bronze rows into records, cleaned: what comes after sees clean keys only.

        Args:
            bronze: rows of the feed's Bronze table.
            of: what a record says.

        Returns:
            Its columns as text, absent values as nulls, and the `_record` struct.
        """
        rows = bronze.withColumns({"_source_files": F.array("_source_file"), "_unmapped": text_null()})
        if self.mapping is not None:
            rows = self.mapping(rows)
        present = set(rows.columns)
        deletion = self._clean(DELETED, Kind.NUMBER) if self.may_delete and DELETED in present else text_null()
        text = [
            (self._clean(column, field.kind) if column in present else text_null()).alias(column)
            for column, field in of.columns.items()
        ]
        return rows.select(
            *text,
            F.struct(
                *LINEAGE_NAMES,
                F.struct(*text).alias("text"),
                F.get_json_object(RESCUED, MALFORMED_PATH).alias("malformed"),
                F.col("_unmapped").alias("unmapped"),
                deletion.alias("deletion"),
            ).alias(RECORD),
        )

    def _clean(self, column: str, kind: Kind) -> Column:
        text = clean(F.col(column), kind, self.nothing)
        prefix = self.prefixes.get(column, self.prefix)
        return F.concat(F.lit(prefix), text) if prefix and kind is Kind.KEY else text

    def as_received(self, bronze: DataFrame) -> DataFrame:
        """The place of each Bronze row, and `raw`: its columns as received, as JSON."""
        names = (*self.columns, RESCUED)
        raw = json_object({name: F.col(name) for name in names})
        return bronze.select(*PLACE, raw.alias("raw"))


def text_null() -> Column:
    """A null of type text."""
    return F.lit(None).cast("string")


def of_days(days: Collection[str]) -> Column:
    """Whether the row's landing day is one of `days`."""
    return F.expr(is_day("_landing_date", days))


def union_all(frames: Sequence[DataFrame]) -> DataFrame:
    """All rows of frames that have the same columns."""
    return reduce(lambda left, right: left.unionByName(right), frames)
