"""Sales by category over all days, for a slide: the best category first."""

from __future__ import annotations

from project_etl.core.export import CSV, Export

EXPORT = Export(
    query="""
        SELECT category, sum(orders)::BIGINT AS orders, sum(units)::BIGINT AS units, sum(net_revenue) AS net_revenue
        FROM gold.daily_revenue_by_category
        GROUP BY category
        ORDER BY net_revenue DESC, category
    """,
    reads=("gold/daily_revenue_by_category",),
    to=(CSV,),
)
