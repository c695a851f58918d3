"""What each category has sold over all days."""

from __future__ import annotations

from project_etl.core.export.base import CSV, Export

EXPORT = Export(
    to=(CSV,),
    reads=("gold/daily_revenue_by_category",),
    # An order has one day, so that the orders of the days add up.
    query="""
        SELECT category, sum(orders) AS orders, sum(units) AS units, sum(net_revenue) AS net_revenue
        FROM gold.daily_revenue_by_category
        GROUP BY category
        ORDER BY net_revenue DESC, category
    """,
)
