"""The products with most net revenue in the last seven days of data, for a slide: the best product first."""

from __future__ import annotations

from project_etl.core.export import CSV, Export

EXPORT = Export(
    query="""
        SELECT top.rank, top.product_id, products.name, top.units, top.net_revenue
        FROM gold.top_products_7d AS top
        LEFT JOIN gold.dim_products AS products USING (product_id)
        WHERE top.order_date = (SELECT max(order_date) FROM gold.top_products_7d)
        ORDER BY top.rank
    """,
    reads=("gold/top_products_7d", "gold/dim_products"),
    to=(CSV,),
)
