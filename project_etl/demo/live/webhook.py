"""Telling somebody by HTTP that an interval has been written."""

from __future__ import annotations

import json
import urllib.request

from project_etl.demo.live.shop import Written

TIMEOUT_SECONDS = 10


def tell(url: str, written: Written) -> None:
    """POST how many orders and events have come in, and until when, as JSON.

    Raises:
        OSError: Nobody answers, or not with success (`urllib.error.HTTPError` is one).
        HTTPException: What answers does not speak HTTP.
    """
    body = json.dumps({"orders": written.orders, "events": written.events, "until": written.until.isoformat()})
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
        pass
