"""Secrets by reference: settings name a variable or a file, and its value stays in memory."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from project_etl.core.model.pull import PullError

EXPECTED = "env:NAME or file:/path/of/a/file"


def is_reference(text: str) -> bool:
    """Whether a text names a place of a secret."""
    return re.match(r"(env|file):", text) is not None


def _checked(text: str) -> str:
    if not is_reference(text):
        # The text may be the secret itself, which no message shows.
        raise ValueError(f"expected {EXPECTED}, where the secret is kept, and not the secret")
    return text


Reference = Annotated[str, AfterValidator(_checked)]


def _without_user(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s@]+", url):
        raise ValueError("expected a web address without a user, such as https://api.example.org")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(_without_user)]


def secret(reference: str) -> str:
    """The secret that a reference names; the end of a file's last line is not part of it.

    Raises:
        PullError: the variable is not set, or the file cannot be read; the message names it.
    """
    kind, _, place = reference.partition(":")
    if kind == "env":
        value = os.environ.get(place)
        if not value:
            raise PullError(
                f"the variable {place} is not set, and {reference} names it: set it, or correct the setting"
            )
        return value
    try:
        return Path(place).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PullError(
            f"{reference} cannot be read ({type(error).__name__}): correct the file or the setting"
        ) from error
