"""`project-etl generate --to`: a shop that lives in a database, one interval or until Ctrl+C."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from project_etl.commands.shared.errors import UserError
from project_etl.core.extract.secret import is_reference, secret
from project_etl.core.model.pull import PullError

if TYPE_CHECKING:
    from project_etl.demo.live.database import Database
    from project_etl.demo.live.shop import Written

MISSING = "A database needs the extra `sql`: pip install 'project_etl[sql]'."


def run(console: Console, to: str, *, seed: int, every: float | None = None, webhook: str | None = None) -> None:
    """Set the shop up where it is not there yet, and live through one interval, or one after the other.

    Args:
        console: Where to say what was written.
        to: URL of the database, or where it is kept.
        seed: The shop's seed.
        every: Seconds from the beginning of an interval to that of the next; None ends after one.
        webhook: Who is told of each interval: a URL, or where it is kept.

    Raises:
        UserError: An argument is wrong, or the first interval could not be written.
    """
    try:
        from project_etl.demo.live.database import Database
        from project_etl.demo.live.errors import LiveError
        from project_etl.demo.live.shop import LENGTH, live, set_up
    except ImportError as error:
        raise UserError(MISSING) from error
    told = None if webhook is None else _web_address(webhook)
    length = LENGTH if every is None else timedelta(seconds=every)
    try:
        database = Database(_value(to))
        _warn(console, to, database)
        if seeded := set_up(database, seed=seed):
            console.print(_said(seeded, f"a new shop in {database.address}"), soft_wrap=True)
        _tell(console, told, database, live(database, seed=seed, length=length))
    except LiveError as error:
        raise UserError(f"The shop was not written: {error}.") from None
    begun = time.monotonic()
    try:
        while every is not None:
            # What an interval took is not added up.
            time.sleep(every - (time.monotonic() - begun) % every)
            try:
                _tell(console, told, database, live(database, seed=seed, length=length))
            except LiveError as error:
                console.print(
                    f"No interval was written: {escape(str(error))}. The next one tries again.", soft_wrap=True
                )
    except KeyboardInterrupt:
        console.print("Stopped.")


def _tell(console: Console, webhook: str | None, database: Database, written: Written) -> None:
    """Say what an interval has written, and tell the webhook."""
    from project_etl.demo.live.webhook import tell

    console.print(_said(written, database.address), soft_wrap=True)
    if webhook is None:
        return
    try:
        tell(webhook, written)
    except (OSError, HTTPException) as error:
        console.print(f"The webhook was not told: {escape(str(error))}", soft_wrap=True)


def _said(written: Written, where: str) -> str:
    totals = {kind: sum(of[kind] for of in written.rows.values()) for kind in ("inserted", "updated", "deleted")}
    return (
        f"{written.until:%Y-%m-%d %H:%M:%S} UTC: {written.orders} orders, {written.events} events; "
        f"{', '.join(f'{number:,} rows {kind}' for kind, number in totals.items())}: {escape(where)}"
    )


def _warn(console: Console, to: str, database: Database) -> None:
    if database.has_password and not is_reference(to):
        console.print(
            "The list of processes shows the password in --to to everybody on this machine: keep the URL in a variable "
            "or a file, and say --to env:NAME or --to file:PATH.",
            soft_wrap=True,
        )


def _web_address(text: str) -> str:
    url = _value(text)
    if not re.fullmatch(r"https?://\S+", url):
        raise UserError(
            "--webhook: expected a web address such as http://127.0.0.1:9000/hook, or env:NAME or file:PATH."
        )
    return url


def _value(text: str) -> str:
    """What is meant: the text, or what is kept where it says."""
    try:
        return secret(text) if is_reference(text) else text
    except PullError as error:
        raise UserError(f"{error}.") from error
