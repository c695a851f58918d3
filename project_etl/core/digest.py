"""One digest for everything that is compared by what it says: rules, code, days, requests.

Does not belong here: the hash of a file's bytes (`core/bronze/landing_store.py`).
"""

from __future__ import annotations

import hashlib
import json


def digest(*parts: object) -> str:
    """Sixteen hex digits that change when any of the values does: JSON values, dates, and what has a plain `str`."""
    text = json.dumps(parts, default=str, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
