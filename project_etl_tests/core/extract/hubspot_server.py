"""A server that answers as HubSpot does, on loopback: contacts and deals in memory, and trouble where a test wants it.

Belongs here: what the API does. Does not belong here: what the client makes of it, the vendor's description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "pat-eu1-0123-secret"
CHANGED = {"contacts": "lastmodifieddate", "0-3": "hs_lastmodifieddate"}
MOST_FOUND, MOST_SEARCHED, MOST_LISTED = 10_000, 200, 100
CORRELATION = "aeb5f871-7f07-4993-9211-075dc63e7cbf"
_OBJECTS = re.compile(r"/crm/(?:v3/objects|objects/\d{4}-\d{2})/(contacts|0-3)(?:/(\w+))?")

Values = dict[str, str | None]


@dataclass
class Thing:
    """A contact or a deal."""

    number: int
    values: Values
    created: datetime
    changed: datetime
    written: datetime
    archived: datetime | None = None
    contacts: Sequence[int] = ()


@dataclass(frozen=True)
class Reply:
    """What the server says."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Asked:
    """What the server was asked."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


def refused(status: int, category: str, message: str, **more: object) -> Reply:
    """An error as the API says it."""
    said = {"status": "error", "message": message, "correlationId": CORRELATION, "category": category, **more}
    return Reply(status, said)


def too_many(policy: str, headers: Mapping[str, str] | None = None) -> Reply:
    """The answer to who asks too often."""
    said = f"You have reached your {policy.lower()} limit."
    refusal = refused(429, "RATE_LIMITS", said, errorType="RATE_LIMIT", policyName=policy)
    return Reply(429, refusal.body, headers or {})


BROKEN = Reply(0, "")


class HubSpot:
    """The API of one account.

    Attributes:
        now: what its clock shows.
        lag: how long a write takes until a search finds it.
        trouble: answers for the next requests, in their order; None lets one through.
        asked: what it was asked for.
        scopes: what the token may read.
    """

    def __init__(self) -> None:
        self.things: dict[str, dict[int, Thing]] = {"contacts": {}, "0-3": {}}
        # A clock of its own, which stands still until a test lets time pass.
        self.now = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)
        self.lag = timedelta(0)
        self.trouble: list[Reply | None] = []
        self.asked: list[Asked] = []
        self.scopes = {"contacts", "0-3"}
        self.account = 4711
        self.seen: Callable[[Asked, Reply], None] = lambda _, __: None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    # --- what people do in HubSpot ------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def put(self, number: int, seconds: float = 0, *, kind: str = "contacts", **values: Any) -> Thing:
        """Make or change a contact now, or at an instant some seconds ago."""
        at = self.now - timedelta(seconds=seconds)
        old = self.things[kind].get(number)
        contacts = values.pop("contacts", old.contacts if old else ())
        changed = {**(old.values if old else {}), **values}
        thing = Thing(number, changed, old.created if old else at, at, self.now, None, contacts)
        self.things[kind][number] = thing
        return thing

    def put_deal(self, number: int, seconds: float = 0, **values: Any) -> Thing:
        """Make or change a deal now, or at an instant some seconds ago."""
        return self.put(number, seconds, kind="0-3", **values)

    def archive(self, number: int, seconds: float = 0, kind: str = "contacts") -> None:
        """Archive an object now, or at an instant some seconds ago."""
        self.things[kind][number].archived = self.now - timedelta(seconds=seconds)

    def count(self, method: str, ending: str) -> int:
        """How often a path was asked for."""
        return sum(asked.method == method and asked.path.endswith(ending) for asked in self.asked)

    # --- what the API answers -----------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Reply:
        """The answer to a request."""
        self.asked.append(asked)
        trouble = self.trouble.pop(0) if self.trouble else None
        reply = trouble or self._answer(asked)
        self.seen(asked, reply)
        return reply

    def _answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            given = asked.headers.get("Authorization", "")
            return refused(401, "INVALID_AUTHENTICATION", f"Authentication credentials not found: {given}")
        if asked.path == "/account-info/v3/details":
            return Reply(200, {"portalId": self.account, "accountType": "STANDARD", "timeZone": "Europe/Berlin"})
        found = _OBJECTS.fullmatch(asked.path)
        if not found:
            return Reply(404, {"message": "no such page"})
        kind, rest = found[1], found[2]
        if kind not in self.scopes:
            scope = {"requiredGranularScopes": [f"crm.objects.{kind}.read"]}
            message = "This app hasn't been granted all required scopes to make this call."
            return refused(403, "MISSING_SCOPES", message, errors=[{"message": message, "context": scope}])
        if asked.method == "POST" and rest == "search":
            return self._search(kind, json.loads(asked.body))
        if rest:
            thing = self.things[kind].get(int(rest))
            if thing is None or _is(thing.archived) != _flag(asked):
                return refused(404, "OBJECT_NOT_FOUND", "Object not found.")
            return Reply(200, self._shown(thing, kind, asked.query.get("properties", []), asked.query))
        return self._list(kind, asked)

    def _list(self, kind: str, asked: Asked) -> Reply:
        limit, after = int(asked.query.get("limit", ["10"])[0]), int(asked.query.get("after", ["0"])[0])
        if limit > MOST_LISTED:
            return refused(400, "VALIDATION_ERROR", f"limit {limit} is above {MOST_LISTED}")
        things = sorted(self.things[kind].values(), key=lambda thing: thing.number)
        rest = [thing for thing in things if _is(thing.archived) == _flag(asked) and thing.number > after]
        page = rest[:limit]
        body: dict[str, Any] = {
            "results": [self._shown(each, kind, asked.query.get("properties", []), asked.query) for each in page]
        }
        if len(rest) > limit:
            number = str(page[-1].number)
            body["paging"] = {"next": {"after": number, "link": f"{self.url}{asked.path}?after={number}"}}
        return Reply(200, body)

    def _search(self, kind: str, body: Mapping[str, Any]) -> Reply:
        limit, after = body["limit"], int(body["after"])
        if limit > MOST_SEARCHED:
            return refused(400, "VALIDATION_ERROR", f"limit {limit} is above {MOST_SEARCHED}")
        if after + limit > MOST_FOUND:
            return refused(400, "VALIDATION_ERROR", "Paging: there are at most 10,000 results in a search")
        known = [
            each for each in self.things[kind].values() if not each.archived and each.written <= self.now - self.lag
        ]
        groups = body["filterGroups"]
        found = [each for each in known if not groups or any(_meets(each, kind, group) for group in groups)]
        (by,) = body["sorts"]
        found.sort(key=lambda each: _number(each, kind, by))
        page = found[after : after + limit]
        said: dict[str, Any] = {
            "total": len(found),
            "results": [self._shown(each, kind, body["properties"], {}) for each in page],
        }
        if len(found) > after + limit:
            said["paging"] = {"next": {"after": str(after + limit)}}
        return Reply(200, said)

    def _shown(self, thing: Thing, kind: str, wanted: Sequence[str], query: Mapping[str, list[str]]) -> dict[str, Any]:
        properties = {name: thing.values.get(name) for name in wanted}
        always = {"hs_object_id": str(thing.number), CHANGED[kind]: _text(thing.changed)}
        shown: dict[str, Any] = {
            "id": str(thing.number),
            "properties": {**properties, **always},
            "createdAt": _text(thing.created),
            "updatedAt": _text(thing.changed),
            "archived": _is(thing.archived),
        }
        if thing.archived:
            shown["archivedAt"] = _text(thing.archived)
        if thing.contacts and "contacts" in query.get("associations", []):
            # A labelled contact is there twice.
            of = [
                {"id": str(number), "type": how} for number in thing.contacts for how in ("deal_to_contact", "sponsor")
            ]
            shown["associations"] = {"contacts": {"results": of}}
        return shown


@contextmanager
def hubspot() -> Iterator[HubSpot]:
    """A server, for the length of a block."""
    found = HubSpot()
    Thread(target=found.server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()


def _handler(account: HubSpot) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are two writes, the second of which waits for the first to be acknowledged otherwise.
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            place = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, place.path, parse_qs(place.query), dict(self.headers), body)
            reply = account.answer(asked)
            if reply is BROKEN:
                self.close_connection = True
                return
            content = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content.encode())))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content.encode())

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
            return format_datetime(account.now, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Answers


def _meets(thing: Thing, kind: str, group: Mapping[str, Any]) -> bool:
    """Whether an object meets every filter of a group; numbers and instants are compared as such."""
    compare: Mapping[str, Callable[[int, int], bool]] = {
        "GT": lambda one, other: one > other,
        "GTE": lambda one, other: one >= other,
        "LT": lambda one, other: one < other,
    }
    return all(
        compare[each["operator"]](_number(thing, kind, each["propertyName"]), int(each["value"]))
        for each in group["filters"]
    )


def _number(thing: Thing, kind: str, name: str) -> int:
    if name == "hs_object_id":
        return thing.number
    assert name == CHANGED[kind], name
    return int(thing.changed.timestamp() * 1000)


def _flag(asked: Asked) -> bool:
    return asked.query.get("archived", ["false"]) == ["true"]


def _is(value: object) -> bool:
    return value is not None


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
