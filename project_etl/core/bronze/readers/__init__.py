"""Readers: the bytes of a file become records, as text, with what does not fit kept beside them."""
