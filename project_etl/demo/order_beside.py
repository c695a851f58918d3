"""Orders and items beside the shop's own: repeats in another spelling, versions that must not win, and deletions.

An order of which the shop knows nothing else is cancelled, so that it adds no revenue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from project_etl.demo import kinds
from project_etl.demo.as_sent import ORDERS_BESIDE, as_sent
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, stream
from project_etl.demo.files import CsvFile, landing_path
from project_etl.demo.kinds import Kind, Outcome
from project_etl.demo.manifest import DatasetBooks
from project_etl.demo.order_rows import (
    DISCOUNT,
    ITEM_COLUMNS,
    ITEM_ID,
    ITEM_ORDER,
    ORDER_COLUMNS,
    ORDER_ID,
    ORDER_UPDATED,
    PRICE,
    QUANTITY,
    STATUS,
    TOTAL,
    Order,
)
from project_etl.demo.timeline import DAY, Timeline

_DELETION_COLUMNS = ("order_id", "updated_at", "_deleted")


class OrdersBeside:
    """Writes what is planned beside the orders and items of a day."""

    def __init__(self, timeline: Timeline, plan: DirtPlan, seed: int) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._number = ORDERS_BESIDE
        # By landing day: orders that are gone then, and whether they come back.
        self._gone: dict[int, list[tuple[list[str], bool]]] = {}

    def write(self, day: int, block: Sequence[Order], order_file: CsvFile, item_file: CsvFile) -> None:
        """Write what is planned for a day into its files.

        Args:
            day: The landing day.
            block: Orders of the day, of which those that have landed whole are told again.
            order_file: The day's orders.
            item_file: The day's items.
        """
        whole = [order for order in block if not (order.lands_later or order.first_item_names)]
        plain = [order for order in whole if not order.names]
        guests = [order for order in whole if order.names == ("guest",)]
        rnd = stream(self._seed, kinds.ORDERS, day, "beside").random
        for row, comes_back in self._gone.get(day, []):
            if comes_back:
                again = [*row[:-1], self._timeline.iso(day * DAY + 7_200)]
                order_file.write(again, again[ORDER_ID], kinds.RESTORED)
        for dataset, kind, number in self._planned(day):
            fitting = guests if kind.name == "customer_id_as_word" else plain
            if not fitting:
                continue
            like = fitting[below(rnd, len(fitting))]
            if dataset == kinds.ORDER_ITEMS:
                item = like.items[0]
                sent = as_sent(dict(zip(ITEM_COLUMNS, item, strict=True)), kind, number)
                item_file.write(list(sent.values()), item[ITEM_ID], kind.name)
            elif kind.outcome is Outcome.DEDUPLICATED:
                sent = as_sent(dict(zip(ORDER_COLUMNS, like.row, strict=True)), kind, number)
                order_file.write(list(sent.values()), like.row[ORDER_ID], *like.names, kind.name)
            else:
                self._write_other(day, kind, number, like, order_file, item_file)

    def write_deletions(self, day: int, root: Path, books: DatasetBooks) -> None:
        """Write which orders are gone on a landing day, as a file of its own."""
        gone = self._gone.pop(day, [])
        if not gone:
            return
        path = landing_path(kinds.ORDERS, self._timeline.text(day), "deleted_orders.csv")
        with CsvFile(root, path, books, _DELETION_COLUMNS) as file:
            for row, _ in gone:
                told = [row[ORDER_ID], self._timeline.iso(day * DAY + 3_600), "true"]
                file.write(told, row[ORDER_ID], kinds.DELETED)

    def _planned(self, day: int) -> Iterator[tuple[str, Kind, int]]:
        for dataset in (kinds.ORDERS, kinds.ORDER_ITEMS):
            for kind, number in self._plan.beside(dataset, day):
                yield dataset, kind, number

    def _write_other(
        self, day: int, kind: Kind, number: int, like: Order, order_file: CsvFile, item_file: CsvFile
    ) -> None:
        """Write an order of its own that is like another one: one that is kept out, or one to which more happens."""
        self._number += 1
        order_id = f"O{self._number:09d}"
        item = list(like.items[0])
        item[ITEM_ID], item[ITEM_ORDER], item[QUANTITY], item[DISCOUNT] = f"{order_id}-1", order_id, "1", "0.00"
        row = list(like.row)
        row[ORDER_ID], row[STATUS], row[TOTAL] = order_id, "CANCELLED", item[PRICE]
        if kind.name in ("order_id_rounded", "order_ts_far"):
            sent = as_sent(dict(zip(ORDER_COLUMNS, row, strict=True)), kind, number)
            order_file.write(list(sent.values()), sent["order_id"], kind.name)
            return
        order_file.write(row, order_id)
        if kind.name == "newer_version_lost":
            lost = list(row)
            lost[STATUS], lost[ORDER_UPDATED] = "LOST", self._timeline.iso(day * DAY + DAY - 1)
            order_file.write(lost, order_id, kind.name)
        else:
            self._gone.setdefault(day + 1, []).append((row, kind.name == kinds.RESTORED))
        item_file.write(item, item[ITEM_ID], *(["order_deleted"] if kind.name == kinds.DELETED else []))
