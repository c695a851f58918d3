"""Silver CRM contacts: what each rule of the contract rejects, and how a good record is cleaned."""

from __future__ import annotations

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict

CONTACT = {
    "contact_id": "K1",
    "first_name": "ada",
    "last_name": "king",
    "email": "ada@example.org",
    "lifecycle_stage": "customer",
    "created_at": "2025-01-01T10:00:00.123Z",
    "updated_at": "2025-01-02T10:00:00Z",
}
# Case → the columns that differ from a good contact, and the rules that this breaks.
BAD = {
    "no key": ({"contact_id": ""}, ["contact_id_not_null"]),
    "a key that a spreadsheet rounded": ({"contact_id": "4.5E+12"}, ["keys_not_rounded"]),
    "made at no time": ({"created_at": "soon"}, ["created_at_type"]),
    "made in the future": ({"created_at": "2025-02-01T00:00:00Z"}, ["created_at_in_range"]),
    "no time of change": ({"updated_at": ""}, ["updated_at_not_null"]),
    "a time of change that is none": ({"updated_at": "1736500000000"}, ["updated_at_type"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
WARNED = {
    "no address": ({"email": None}, ["email_not_null"]),
    "an address that is none": ({"email": "call her"}, ["email_str_matches"]),
}
GOOD = {
    "as it is": {},
    "next to nothing": {"first_name": None, "last_name": None, "lifecycle_stage": None, "created_at": None},
    "untidy text": {"first_name": " ADA", "email": " Ada@Example.ORG ", "lifecycle_stage": " Lead "},
}

CASES = Cases("crm_contacts", CONTACT, BAD, GOOD, WARNED, unreachable=("source_values_mapped",))


def test_names_addresses_and_stages_are_cleaned(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["untidy text"].row
    found = [row[name] for name in ("first_name", "full_name", "email", "lifecycle_stage")]
    assert found == ["Ada", "Ada King", "ada@example.org", "lead"]
    assert verdicts["next to nothing"].row["full_name"] is None
