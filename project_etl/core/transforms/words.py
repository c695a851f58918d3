"""Words that mean that there is no value. Plain text, so that settings name them without Spark."""

from __future__ import annotations

NOTHING = ("null", "none", "nan", "nat", "n/a", "#n/a", "\\n", "<na>", "nil", "(null)", "-")
"""In small letters, when settings name no others; `na` is one too, except where it is Namibia."""
NOTHING_IN_TEXT = ("\\N",)
"""In names and texts all other words are words: people are called Null, and products None."""
