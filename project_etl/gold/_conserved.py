"""What the daily tables of revenue keep of the facts, day by day."""

from __future__ import annotations

from decimal import Decimal

from project_etl.core.model.table import Conserves

HALF_A_CENT = Decimal("0.005")


def revenue(of: str, *columns: str) -> Conserves:
    """The net revenue of the facts is the sum of some columns, each of which is rounded to cents."""
    within = HALF_A_CENT * len(columns)
    return Conserves(of, "net_amount_reporting", here=" + ".join(columns), where="is_revenue", within=within)


def revenue_orders(of: str, column: str) -> Conserves:
    """Each revenue order is counted once."""
    return Conserves(of, here=column, where="is_revenue")
