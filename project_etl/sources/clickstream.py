"""Source `clickstream`: what a tracker sends of visitors to a Kafka topic, one event a message, as JSON.

The tracker has event numbers of its own. Its customers, products and orders are those of the source `shop`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from project_etl.core.extract.kafka.messages import COLUMNS, KEY
from project_etl.core.extract.kafka.source import kafka_pull
from project_etl.core.model.source import Source
from project_etl.sources._as_silver import TABLES, dataset_of, feeds_of

_EVENTS = TABLES["events"].records
assert _EVENTS is not None
_OF_RECORD = dataset_of("clickstream", _EVENTS)
assert _OF_RECORD.person is not None
DATASET = replace(
    _OF_RECORD,
    columns={**_OF_RECORD.columns, **COLUMNS},
    # A key may be the customer's id.
    person=replace(_OF_RECORD.person, details=(KEY,)),
    ids_of=dict.fromkeys(("customer_id", "product_id", "order_id"), "shop"),
)
SOURCE = Source(
    datasets=(DATASET,),
    feeds=feeds_of([DATASET]),
    pull=kafka_pull("clickstream", every="*/5 * * * *", fresh=timedelta(hours=1)),
)
