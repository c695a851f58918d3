"""Who is to be erased, and what the lake has of them; nothing is written.

Does not belong here: how records are found and what is left of them (`core/bronze/erasure.py`), how it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa

from project_etl.catalog import bronze_job, datasets_of
from project_etl.commands.shared.errors import UserError
from project_etl.core.bronze import erasure, file_table, tombstones
from project_etl.core.bronze.erasure import Found
from project_etl.core.bronze.file_table import Status
from project_etl.core.bronze.landing import list_files
from project_etl.core.bronze.plan import BronzeJob
from project_etl.core.bronze.tombstones import Tombstones, customer_hash, email_hash
from project_etl.core.lake import TableStore
from project_etl.core.model.names import RESCUED
from project_etl.core.model.staged import Run
from project_etl.core.transforms.text import clean_key
from project_etl.settings import Settings

CUSTOMERS, CUSTOMER = "silver/customers", "customer_id"
# Of more, the nearest id is not looked for.
MOST_IDS = 20_000


@dataclass(frozen=True)
class Subject:
    """A customer to be erased.

    Attributes:
        customer_id: the id as Silver has it.
        keys: the id as sources have it, without their namespaces.
        addresses: e-mail addresses that Bronze has of the customer.
        shared: those of them that another customer has too; they are not looked for, and get no tombstone.
        found: Bronze table → its records that name the customer.
        tombstones: hashes of the ids and of the addresses that are the customer's alone.
        is_known: whether an earlier erasure named the customer.
    """

    customer_id: str
    keys: frozenset[str]
    addresses: frozenset[str]
    shared: frozenset[str]
    found: Mapping[str, Found]
    tombstones: Tombstones
    is_known: bool

    @property
    def words(self) -> list[str]:
        """What names the customer in text."""
        return sorted({self.customer_id, *self.keys, *self.addresses} - self.shared)


def bronze_jobs(lake: TableStore, settings: Settings, run: Run) -> list[BronzeJob]:
    """A job for each Bronze table that is there, of no days."""
    jobs = [bronze_job(lake, dataset, settings, (), run) for dataset in datasets_of(settings.sources)]
    return [job for job in jobs if lake.exists(job.dataset.bronze)]


def subject_of(lake: TableStore, settings: Settings, customer_id: str) -> Subject:
    """Look for a customer in all of Bronze.

    Raises:
        UserError: no record names the customer, and no earlier erasure did.
    """
    jobs, known = bronze_jobs(lake, settings, Run("erase")), tombstones.read(lake)
    prefixes = dict.fromkeys(dict(settings.namespaces).get(name, "") for name in settings.sources)
    asked, words = customer_id.strip(), settings.words_for_nothing
    keys = {
        prefix: key
        for prefix in prefixes
        if asked.startswith(prefix) and (key := clean_key(asked.removeprefix(prefix), words))
    }
    hashes = frozenset(customer_hash(prefix, key) for prefix, key in keys.items())
    by_id = Tombstones(hashes)
    own = {address for job in jobs for address in erasure.addresses(job, job.redaction(by_id))}
    shared = {address for job in jobs for address in erasure.shared(job, job.redaction(by_id), own)} if own else set()
    wanted = Tombstones(hashes, frozenset(email_hash(address) for address in own - shared))
    found = {job.dataset.bronze: erasure.find(job, job.redaction(wanted)) for job in jobs}
    is_known = not hashes.isdisjoint(known.customers)
    if not is_known and not any(of_table.files for of_table in found.values()):
        raise UserError(_unknown(lake, asked, list(found)))
    return Subject(asked, frozenset(keys.values()), frozenset(own), frozenset(shared), found, wanted, is_known)


def _unknown(lake: TableStore, asked: str, looked: Sequence[str]) -> str:
    """Why there is nothing to erase, with the nearest id where that is found quickly."""
    where = (
        f"no record of the {len(looked)} Bronze tables of {lake.root} names it"
        if looked
        else f"the lake {lake.root} has no Bronze table"
    )
    meant = ""
    if lake.exists(CUSTOMERS) and lake.state(CUSTOMERS).row_count <= MOST_IDS:
        ids = lake.state(CUSTOMERS).rows([CUSTOMER])[CUSTOMER].to_pylist()
        if close := get_close_matches(asked, ids, 1, 0.75):
            meant = f" Did you mean {close[0]}?"
    return f"There is no customer {asked!r} to erase: {where}. Give the id as {CUSTOMERS} has it.{meant}"


@dataclass(frozen=True)
class Landing:
    """What of landing concerns an erasure.

    Attributes:
        to_delete: files that hold records of people who are erased, copies included.
        not_searched: files that Bronze has no records of: not loaded yet, or not readable.
    """

    to_delete: tuple[str, ...]
    not_searched: tuple[str, ...]


def landing_of(lake: TableStore, settings: Settings, found: Mapping[str, Found]) -> Landing:
    """The files that lie in landing now and that people must look after by hand."""
    to_delete, not_searched = list[str](), list[str]()
    for dataset in datasets_of(settings.sources):
        files = list_files(settings.landing_root, dataset.source, dataset.name)
        rows = file_table.files(lake, [dataset.bronze], {file.day for file in files})
        named = {*found[dataset.bronze].files} if dataset.bronze in found else set[str]()
        for file in files:
            row = rows.get(file.path)
            if row is None or row.status in (Status.DENIED, Status.UNREADABLE):
                not_searched.append(file.path)
            elif row.erased or file.path in named or row.holder in named:
                to_delete.append(file.path)
    return Landing(tuple(to_delete), tuple(not_searched))


def quarantined(lake: TableStore, settings: Settings, subject: Subject) -> dict[str, int]:
    """Quarantine table → its rows that name the customer, of all tables that have such rows."""
    jobs = {f"{job.dataset.source}/{job.dataset.name}/": job for job in bronze_jobs(lake, settings, Run("erase"))}
    counts: dict[str, int] = {}
    for name in lake.names("quarantine"):
        rows = lake.state(name).rows(["_source_file", "raw"]).to_pylist()
        for folder, job in jobs.items():
            received = [json.loads(row["raw"]) for row in rows if row["_source_file"].startswith(folder)]
            schema = pa.schema([(column, pa.string()) for column in (*job.dataset.columns, RESCUED)])
            left = job.redaction(subject.tombstones).redact(pa.RecordBatch.from_pylist(received, schema=schema))
            counts[name] = counts.get(name, 0) + left.erased
    return {name: rows for name, rows in counts.items() if rows}


def rows_of_customer(lake: TableStore, customer_id: str) -> dict[str, int]:
    """Silver or Gold table → rows with the id in the column for it, of all tables that have one."""
    found: dict[str, int] = {}
    for name in (name for layer in ("silver", "gold") for name in lake.names(layer)):
        state = lake.state(name)
        if CUSTOMER in state.arrow_schema.names:
            rows = state.rows([CUSTOMER], among=(CUSTOMER, [customer_id])).num_rows
            found |= {name: rows} if rows else {}
    return found
