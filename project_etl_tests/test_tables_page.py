"""docs/tables.md says what the contracts say, and its links lead somewhere."""

from __future__ import annotations

import re

import tables_page

from project_etl.catalog import table_names

TEXT = tables_page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_contracts_say() -> None:
    assert tables_page.page() == TEXT, "run `make docs`"


def test_every_table_has_a_section_and_every_link_of_the_contents_leads_to_one() -> None:
    titles = re.findall(r"^##+ (.+)$", TEXT, re.MULTILINE)
    assert {*table_names(("shop",))} <= {*titles}
    # As GitHub makes anchors: small letters, without slashes.
    anchors = {title.lower().replace("/", "") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) == anchors
