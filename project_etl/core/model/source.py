"""What a source is: its datasets, and how its Bronze tables feed records.

Does not belong here: any particular source (`sources/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import types as T

from project_etl.core.model.names import RESCUED
from project_etl.core.model.pull import Pull
from project_etl.core.model.records import BRONZE_LINEAGE, Feed


@dataclass(frozen=True)
class Person:
    """Where the records of a dataset name a customer, for who has to be erased.

    Attributes:
        column: holds the customer's id; None where no column does.
        email: holds the customer's e-mail address; None where no column does.
        is_about: whether a record is about the customer and goes with them; any other stays, and loses the id.
        details: further columns that say who the customer is; a record that stays loses them too, also where only the
            address is the customer's.
        any_case: whether ids are the same in capital and small letters, and Silver has them in small ones.
        nobody: ids that are those of no customer, such as that of all guests.
    """

    column: str | None
    email: str | None = None
    is_about: bool = False
    details: tuple[str, ...] = ()
    any_case: bool = False
    nobody: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """One kind of file that a source delivers.

    Attributes:
        source: the source's name, the first folder in landing.
        name: the dataset's name, the second folder.
        columns: declared columns and what they mean; all are text in Bronze.
        owners: people or teams in charge, as Dagster writes them.
        person: where its records name a customer; None where they name none.
        ids_of: column → the source whose ids it holds; all others hold the source's own.
    """

    source: str
    name: str
    columns: Mapping[str, str]
    owners: tuple[str, ...] = ("team:data-platform",)
    person: Person | None = None
    ids_of: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def bronze(self) -> str:
        """The dataset's Bronze table, `bronze/<source>/<dataset>`."""
        return f"bronze/{self.source}/{self.name}"

    @property
    def landing(self) -> str:
        """The asset that pulls the dataset, `landing/<source>/<dataset>`, of a source that is pulled."""
        return f"landing/{self.source}/{self.name}"

    @property
    def description(self) -> str:
        """What the Bronze table is, for people."""
        return f"Text of the {self.source} source's {self.name} files, as received: one row per record."

    @property
    def schema(self) -> T.StructType:
        """Columns of the Bronze table: the declared ones as text, what did not fit, and lineage."""
        rescued = "What did not fit: unknown columns, or a malformed record with its text, as JSON."
        kinds = {"_row_number": T.LongType(), "_ingested_at": T.TimestampType(), "_landing_date": T.DateType()}
        text = [(name, T.StringType(), comment, True) for name, comment in self.columns.items()]
        lineage = [(name, kinds.get(name, T.StringType()), comment, False) for name, comment in BRONZE_LINEAGE.items()]
        return T.StructType(
            [
                T.StructField(name, kind, nullable, {"comment": comment})
                for name, kind, comment, nullable in [*text, (RESCUED, T.StringType(), rescued, True), *lineage]
            ]
        )


@dataclass(frozen=True)
class Source:
    """A source system.

    Its name, in settings and as its folder in landing, is that of its module.

    Attributes:
        datasets: what it delivers.
        feeds: kind of records → the feed that makes them.
        also: kind of records → a second feed, where two datasets tell of the same things.
        pull: how it is pulled; None for one whose files somebody brings.
    """

    datasets: tuple[Dataset, ...]
    feeds: Mapping[str, Feed]
    also: Mapping[str, Feed] = field(default_factory=dict[str, Feed])
    pull: Pull | None = None
