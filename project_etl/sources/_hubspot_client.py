"""Asking HubSpot: one request after the other, no faster than it allows, and again where it is busy.

Does not belong here: what is asked for (`_hubspot_pull.py`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from project_etl.core.model.pull import PullError

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState

    # What requests takes as parameters.
    Params = Mapping[str, str | int | Sequence[str]]

ATTEMPTS, TIMEOUT_SECONDS = 8, 60
# Between attempts where HubSpot does not say how long, twice as long each time; and what nobody waits for.
FIRST_WAIT_SECONDS, MOST_SECONDS = 0.5, 60
# HubSpot allows five searches a second to all apps of an account together.
SECONDS_BETWEEN_SEARCHES = 0.25
_SHOWN = 300

Answer = Mapping[str, Any]


class BusyError(PullError):
    """HubSpot has no answer now, and may have one later.

    Attributes:
        seconds: after how long, as it says; None where it says nothing.
    """

    def __init__(self, said: str, seconds: float | None = None) -> None:
        super().__init__(said)
        self.seconds = seconds


@dataclass
class Client:
    """An account of HubSpot.

    Attributes:
        session: the connections.
        url: where the API is.
        hidden: the token, which no message may show.
        setting: which setting names it.
        now: what the server's clock has shown last.
    """

    session: requests.Session
    url: str
    hidden: str
    setting: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _next_search: float = 0

    def get(self, path: str, scope: str, params: Params | None = None) -> Answer | None:
        """What there is at a path; None where there is nothing.

        Raises:
            PullError: HubSpot does not answer, or refuses; the message says what to do.
        """
        return self._asked("GET", path, scope, params or {}, None)

    def search(self, path: str, scope: str, body: Answer) -> Answer:
        """What a search finds.

        Raises:
            PullError: HubSpot does not answer, or refuses; the message says what to do.
        """
        time.sleep(max(0, self._next_search - time.monotonic()))
        self._next_search = time.monotonic() + SECONDS_BETWEEN_SEARCHES
        found = self._asked("POST", f"{path}/search", scope, {}, body)
        if found is None:
            raise PullError(f"{self.url} has no {path}: correct {self.setting}.url or {self.setting}.version")
        return found

    def _asked(self, method: str, path: str, scope: str, params: Params, body: Answer | None) -> Answer | None:
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        again = Retrying(
            retry=retry_if_exception_type(BusyError), stop=stop_after_attempt(ATTEMPTS), wait=_wait, reraise=True
        )
        try:
            return again(self._once, method, path, scope, params, body)
        except BusyError as error:
            raise PullError(f"{error}, {ATTEMPTS} times: the next pull tries again") from None

    def _once(self, method: str, path: str, scope: str, params: Params, body: Answer | None) -> Answer | None:
        import requests

        try:
            answer = self.session.request(
                method,
                f"{self.url}{path}",
                params=params,
                json=body,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise BusyError(f"{self.url} does not answer ({type(error).__name__})") from None
        self._look_at_clock(answer)
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise self._refusal(answer, path, scope)
        found = _json(answer)
        if not isinstance(found, dict):
            raise PullError(f"{self.url}{path} answers with something else than HubSpot: correct {self.setting}.url")
        return found

    def _refusal(self, answer: requests.Response, path: str, scope: str) -> PullError:
        status, found = answer.status_code, _json(answer)
        told: Answer = found if isinstance(found, dict) else {}
        said = str(told.get("message") or answer.reason or "").replace(self.hidden, "***")[:_SHOWN]
        if status == 429:
            return self._too_many(answer, told, said)
        if status >= 500:
            return BusyError(f"{self.url}{path} answers {status} {said}".rstrip())
        if status == 401:
            return PullError(f"HubSpot does not know the token that {self.setting}.token names: take the app's new one")
        if status == 403:
            return PullError(f"the token that {self.setting}.token names needs the scope {scope}; HubSpot says: {said}")
        return PullError(f"{self.url}{path} answers {status}: {said}")

    def _too_many(self, answer: requests.Response, told: Answer, said: str) -> PullError:
        if told.get("policyName") == "DAILY":
            return PullError("HubSpot's quota of requests for this day is used up: the next pull after it goes on")
        seconds = _number(answer.headers.get("Retry-After"))
        milliseconds = _number(answer.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds"))
        if seconds is None and milliseconds is not None:
            seconds = milliseconds * 0.001
        if seconds is not None and seconds > MOST_SECONDS:
            return PullError(f"HubSpot asks to be left alone for {seconds:.0f} seconds: the next pull tries again")
        return BusyError(f"HubSpot has too many requests ({said})", seconds)

    def _look_at_clock(self, answer: requests.Response) -> None:
        try:
            self.now = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
        except (KeyError, ValueError):
            # A proxy may keep it back.
            self.now = datetime.now(UTC)


@contextmanager
def open_client(url: str, token: str, setting: str) -> Generator[Client]:
    """An account of HubSpot, for the length of a block. Nothing is asked before the first request.

    Args:
        url: where the API is.
        token: the token.
        setting: the settings of the source, for messages.

    Raises:
        PullError: the extra is not installed, or the token cannot be one.
    """
    try:
        import requests
        import tenacity  # noqa: F401 - it is needed with the first request
    except ImportError as error:
        raise PullError("it needs the extra `hubspot`: pip install 'project_etl[hubspot]'") from error

    if not re.fullmatch(r"[!-~]+", token := token.strip()):
        raise PullError(f"what {setting}.token names is no token: it is empty, or has signs that a token never has")

    def with_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    with requests.Session() as session:
        # As a header of the session it would give way to what ~/.netrc has for the address.
        session.auth = with_token
        yield Client(session, url, token, setting)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    seconds = error.seconds if isinstance(error, BusyError) else None
    return min(FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1), MOST_SECONDS) if seconds is None else seconds


def _number(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None


def _json(answer: requests.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return None
