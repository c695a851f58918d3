"""The tables of the living shop beside what the source `shop` declares; no database is needed for that."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from project_etl.core.model.names import DELETED
from project_etl.demo.live.tables import METADATA
from project_etl.sources.shop import DATASETS


def test_there_is_a_table_for_each_dataset() -> None:
    assert set(METADATA.tables) == {dataset.name for dataset in DATASETS}


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_table_has_the_columns_of_its_dataset(dataset) -> None:
    assert [*METADATA.tables[dataset.name].c.keys()] == [name for name in dataset.columns if name != DELETED]


def test_instants_of_change_have_an_index() -> None:
    changed = [table.c.updated_at for table in METADATA.tables.values() if "updated_at" in table.c]
    assert len(changed) == 6
    for column in (*changed, METADATA.tables["events"].c.event_ts):
        assert isinstance(column.type, sa.DateTime)
        assert column.index
        assert not column.nullable
