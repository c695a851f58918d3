"""Which objects of HubSpot are due.

The first pull lists all of a kind. Each later one searches those that were changed since, and lists the archived ones.
The index that is searched lags behind what is written: the last `lag_seconds` are left to the next pull, and each looks
back over `overlap_seconds`. What neither sees is found by the recount. Does not belong here: requests
(`_hubspot_client.py`), what an object means (`hubspot.py`).

A search has 10,000 results at most, and says nothing of the contacts of a deal. So each page of it begins behind the
object that the last one ended with, by number, and deals are read again one by one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from project_etl.core.digest import digest
from project_etl.core.extract.recount import Compared, recount
from project_etl.core.extract.secret import Address, Reference, secret
from project_etl.core.extract.spans import START, Span, due, spans_of, stamp
from project_etl.core.model.names import DELETED, READ_AT
from project_etl.core.model.pull import Before, NotYet, Pull, PullError, PullOptions, Record, Slice
from project_etl.sources._hubspot_client import Answer, Client, open_client

ACCOUNT = "/account-info/v3/details"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# As many as an answer may hold.
LISTED, SEARCHED = 100, 200
# Fewer objects than this are read one by one, even where listing all of them would take fewer requests.
FEW = 100
CONTACTS = "contacts"
# An object is as of the first of these. A deal gets other contacts, and an object may come back, with its old
# `updatedAt`: what the recount finds holds from when it was read.
VERSION = (READ_AT, "archivedAt", "updatedAt")


class HubspotOptions(PullOptions):
    """An account of HubSpot. The token is named by where it is: `env:NAME` or `file:PATH`."""

    token: Reference
    """Where the access token of the private app is kept."""
    url: Address = "https://api.hubapi.com"
    """Where the API is."""
    version: Annotated[str, Field(pattern=r"^(v3|\d{4}-\d{2})$")] = "v3"
    """The version of the API: `v3`, or the month of a later one, such as `2026-03`."""
    deals: bool = True
    """Whether deals are pulled; a token for contacts alone needs no scope for them then."""
    lag_seconds: float = Field(default=60, ge=0, allow_inf_nan=False)
    """What was changed within the last so many seconds is left to the next pull: searches do not find it yet."""
    overlap_seconds: float = Field(default=300, ge=0, allow_inf_nan=False)
    """How far a pull looks back behind the end of the one before: no less than the search may lag."""
    recount: Literal["nightly", "never"] = "nightly"
    """Whether everything is listed every night: that finds deals with other contacts, and what has vanished."""

    def path(self, kind: str) -> str:
        """The path of a kind of objects."""
        place = f"{self.version}/objects" if self.version == "v3" else f"objects/{self.version}"
        return f"/crm/{place}/{kind}"


@dataclass(frozen=True)
class Kind:
    """A kind of objects.

    Attributes:
        path: how the API's paths call it.
        changed: its property with the instant of the last change.
        scope: what a token needs to read it.
        properties: the properties that land.
        has_contacts: whether it belongs to contacts.
    """

    path: str
    changed: str
    scope: str
    properties: tuple[str, ...]
    has_contacts: bool = False

    def record(self, found: Answer) -> dict[str, Any]:
        """An object as it lands.

        Raises:
            PullError: it is none of HubSpot's.
        """
        said = found.get("properties") or {}
        own = {name: found.get(name) for name in ("id", "createdAt", "updatedAt", "archived", "archivedAt")}
        if not isinstance(own["id"], str) or not own["id"].isdecimal():
            raise PullError(f"HubSpot has an object with the number {own['id']!r}: expected digits")
        record = {**own, **{name: said.get(name) for name in self.properties}}
        if self.has_contacts:
            associated = (found.get("associations") or {}).get(CONTACTS) or {}
            numbers = sorted({each["id"] for each in associated.get("results", ())}, key=int)
            record |= {"contact": next(iter(numbers), None), "contacts": ";".join(numbers) or None}
        return record


@dataclass(frozen=True)
class HubspotPuller:
    """An account of HubSpot that is pulled.

    Attributes:
        client: asks it.
        options: what the user says of it.
        kinds: dataset → its kind of objects.
    """

    client: Client
    options: HubspotOptions
    kinds: Mapping[str, Kind]

    @property
    def address(self) -> str:
        """Where the API is."""
        return self.client.url

    def slices(self, dataset: str, before: Before, *, recount: bool) -> Iterator[Slice]:
        """The slices that are due: gaps first, then what is new; or what the recount finds."""
        kind = self.kinds[dataset]
        of = digest(self.client.url, self._account(), kind.path)
        until = _whole(self.client.now - timedelta(seconds=self.options.lag_seconds))
        spans = spans_of(of, before.names)
        if recount and spans:
            yield from self._recounted(dataset, before, of, max(span.end for span in spans))
            return
        overlap = timedelta(seconds=self.options.overlap_seconds)
        yield from due(of, spans, until, overlap, lambda span: self._changed(kind, span))

    def looked_at(self, dataset: str) -> str:
        """How many objects there are."""
        kind = self.kinds[dataset]
        return f"{self._search(kind, [], 1)['total']:,} {dataset} in the account {self._account()}"

    def _account(self) -> str:
        """The account's number, which no other account has."""
        found = self.client.get(ACCOUNT, "oauth") or {}
        if not found.get("portalId"):
            raise PullError(f"{self.client.url}{ACCOUNT} names no portalId: pull.hubspot.url is not HubSpot's")
        return str(found["portalId"])

    def _changed(self, kind: Kind, span: Span) -> Iterator[Record]:
        """What was changed or archived within a span; from the beginning on, all that there is."""
        if span.begin == START:
            yield from self._listed(kind)
        elif kind.has_contacts:
            yield from self._read(kind, [found["id"] for found in self._found(kind, span)])
        else:
            yield from map(kind.record, self._found(kind, span))
        for record in self._listed(kind, archived=True):
            if span.begin <= _instant(record["archivedAt"] or record["updatedAt"]) < span.end:
                yield {**record, DELETED: True}

    def _listed(self, kind: Kind, *, archived: bool = False) -> Iterator[dict[str, Any]]:
        """All objects, or all archived ones, as they land."""
        params: dict[str, Any] = {**self._wanted(kind), "limit": LISTED, "archived": str(archived).lower()}
        while True:
            page = self.client.get(self.options.path(kind.path), kind.scope, params) or {}
            if not isinstance(page.get("results"), list):
                place = f"{self.client.url}{self.options.path(kind.path)}"
                raise PullError(f"{place} is no list of HubSpot: correct pull.hubspot.url or pull.hubspot.version")
            yield from map(kind.record, page["results"])
            following = ((page.get("paging") or {}).get("next") or {}).get("after")
            if following is None:
                return
            if following == params.get("after"):
                raise PullError(f"HubSpot's list of {kind.path} comes back to {following}: the next pull tries again")
            params["after"] = following

    def _found(self, kind: Kind, span: Span) -> Iterator[Answer]:
        """What a search finds that was changed within a span, by number."""
        last = 0
        while True:
            filters = [
                (kind.changed, "GTE", _milliseconds(span.begin)),
                (kind.changed, "LT", _milliseconds(span.end)),
                ("hs_object_id", "GT", last),
            ]
            page = self._search(kind, filters, SEARCHED)
            numbers = [int(found["id"]) for found in page["results"]]
            if any(number <= last for number in numbers):
                raise PullError(f"HubSpot's search for {kind.path} is not in the order of their numbers")
            yield from page["results"]
            if len(numbers) >= page["total"] or not numbers:
                return
            last = max(numbers)

    def _search(self, kind: Kind, filters: Sequence[tuple[str, str, int]], limit: int) -> Answer:
        said = [{"propertyName": name, "operator": how, "value": str(value)} for name, how, value in filters]
        body = {
            "filterGroups": [{"filters": said}] if said else [],
            "sorts": ["hs_object_id"],
            "properties": list(kind.properties),
            "limit": limit,
            "after": "0",
        }
        found = self.client.search(self.options.path(kind.path), kind.scope, body)
        if not isinstance(found.get("results"), list) or not isinstance(found.get("total"), int):
            raise PullError(f"{self.client.url} answers a search with something else than HubSpot")
        return found

    def _read(self, kind: Kind, numbers: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Some objects that are there, as they land: one by one, or out of the list of all where they are many."""
        if len(numbers) > FEW and len(numbers) * LISTED > self._search(kind, [], 1)["total"]:
            wanted = {*numbers}
            yield from (record for record in self._listed(kind) if record["id"] in wanted)
            return
        for number in numbers:
            path = f"{self.options.path(kind.path)}/{number}"
            found = self.client.get(path, kind.scope, {**self._wanted(kind), "archived": "false"})
            if found is not None:
                yield kind.record(found)

    def _wanted(self, kind: Kind) -> dict[str, Any]:
        associations = {"associations": [CONTACTS]} if kind.has_contacts else {}
        return {"properties": list(kind.properties), **associations}

    def _recounted(self, dataset: str, before: Before, of: str, until: datetime) -> Iterator[Slice]:
        import pyarrow as pa

        if before.waiting:
            raise NotYet(f"{before.waiting[-1]} is not in Bronze yet, and all is compared with Bronze")
        kind, at = self.kinds[dataset], self.client.now
        state = (CONTACTS,) if kind.has_contacts else ()
        compared = Compared(("id",), "updatedAt", ("updatedAt",), state, version=VERSION)
        there: dict[str, list[str | None]] = {name: [] for name in compared.there}
        for record in self._listed(kind):
            for name, column in there.items():
                column.append(record[name])
        listed = pa.table({name: pa.array(column, pa.string()) for name, column in there.items()})
        found = recount(listed, before, compared, until)
        missed, gone = ([number for (number,) in keys] for keys in (found.missed, found.gone))
        # It costs a request each, and an answer that was cut short would delete the rest.
        still_there = {record["id"] for record in self._read(kind, gone)} if gone else set[str]()
        gone = [number for number in gone if number not in still_there]
        archived = {record["id"]: record for record in self._listed(kind, archived=True)} if gone else {}

        def records() -> Iterator[Record]:
            read_at = {READ_AT: at.isoformat()}
            yield from ({**record, **read_at} for record in self._read(kind, missed))
            for number in gone:
                yield {**archived.get(number, kind.record({"id": number})), DELETED: True, **read_at}

        note = replace(found, gone=gone).note(dataset, "HubSpot", "updatedAt")
        yield Slice(f"{of}_recount_{stamp(at)}", at, records, note)


def hubspot_pull(kinds: Mapping[str, Kind]) -> Pull:
    """How the source is pulled.

    Args:
        kinds: name of a dataset → its kind of objects.
    """

    @contextmanager
    def connect(options: HubspotOptions, _: date) -> Generator[HubspotPuller]:
        with open_client(options.url, secret(options.token), "pull.hubspot") as client:
            yield HubspotPuller(client, options, kinds)

    return Pull(
        HubspotOptions,
        connect,
        every="*/10 * * * *",
        fresh=timedelta(days=1),
        left_out=lambda options: () if options.deals else ("deals",),
        recounts=lambda options: "45 1 * * *" if options.recount == "nightly" else "",
        page="docs/crm.md",
    )


def _milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)


def _whole(instant: datetime) -> datetime:
    """The instant without what is less than a millisecond, of which HubSpot knows nothing."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
